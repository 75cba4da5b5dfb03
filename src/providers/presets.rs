//! Vendors whose address, dialect and prices are known, so that adding one takes a name and a key.

use super::model::ProviderKind;

/// A vendor, or a program that serves models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its word in files and forms.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// The dialect it speaks.
    pub kind: ProviderKind,
    /// Where it answers; `{…}` is for the admin to fill in.
    pub base_url: &'static str,
    /// The environment variable its own documentation uses for the key; empty where no key is needed.
    pub key_env: &'static str,
    /// Its name in the built-in list of models; empty where that has none of it.
    pub vendor: &'static str,
}

const fn openai(name: &'static str, title: &'static str, base_url: &'static str, key_env: &'static str, vendor: &'static str) -> Preset {
    Preset { name, title, kind: ProviderKind::OpenAi, base_url, key_env, vendor }
}

/// Every preset: the vendors of dialects of their own, then who speaks OpenAI's, then what runs on one's own machines.
pub const ALL: [Preset; 32] = [
    openai("openai", "OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY", "openai"),
    Preset {
        name: "anthropic",
        title: "Anthropic",
        kind: ProviderKind::Anthropic,
        base_url: "https://api.anthropic.com/v1",
        key_env: "ANTHROPIC_API_KEY",
        vendor: "anthropic",
    },
    Preset {
        name: "gemini",
        title: "Google Gemini",
        kind: ProviderKind::Gemini,
        base_url: "https://generativelanguage.googleapis.com/v1beta",
        key_env: "GEMINI_API_KEY",
        vendor: "gemini",
    },
    Preset {
        name: "azure",
        title: "Azure OpenAI",
        kind: ProviderKind::Azure,
        base_url: "https://{resource}.openai.azure.com/openai/v1",
        key_env: "AZURE_OPENAI_API_KEY",
        vendor: "azure",
    },
    Preset {
        name: "bedrock",
        title: "AWS Bedrock",
        kind: ProviderKind::Bedrock,
        base_url: "https://bedrock-runtime.{region}.amazonaws.com",
        key_env: "AWS_BEARER_TOKEN_BEDROCK",
        vendor: "bedrock",
    },
    openai("mistral", "Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "mistral"),
    openai("groq", "Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "groq"),
    openai("deepseek", "DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "deepseek"),
    openai("xai", "xAI", "https://api.x.ai/v1", "XAI_API_KEY", "xai"),
    openai("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "openrouter"),
    openai("together", "Together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", "together"),
    openai("fireworks", "Fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", "fireworks"),
    openai("perplexity", "Perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", "perplexity"),
    openai("cerebras", "Cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", "cerebras"),
    openai("cohere", "Cohere", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY", "cohere"),
    openai("deepinfra", "DeepInfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY", "deepinfra"),
    openai("nvidia", "NVIDIA NIM", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", ""),
    openai("sambanova", "SambaNova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY", "sambanova"),
    openai("hyperbolic", "Hyperbolic", "https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY", "hyperbolic"),
    openai("nebius", "Nebius", "https://api.studio.nebius.com/v1", "NEBIUS_API_KEY", "nebius"),
    openai("novita", "Novita", "https://api.novita.ai/v3/openai", "NOVITA_API_KEY", "novita"),
    openai("moonshot", "Moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", "moonshot"),
    openai("dashscope", "Alibaba DashScope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY", "dashscope"),
    openai("zai", "Z.ai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", "zai"),
    openai("voyage", "Voyage", "https://api.voyageai.com/v1", "VOYAGE_API_KEY", "voyage"),
    openai("huggingface", "Hugging Face", "https://router.huggingface.co/v1", "HF_TOKEN", ""),
    openai("ollama", "Ollama", "http://127.0.0.1:11434/v1", "", ""),
    openai("vllm", "vLLM", "http://127.0.0.1:8000/v1", "", ""),
    openai("llama.cpp", "llama.cpp", "http://127.0.0.1:8080/v1", "", ""),
    openai("lm-studio", "LM Studio", "http://127.0.0.1:1234/v1", "", ""),
    openai("sglang", "SGLang", "http://127.0.0.1:30000/v1", "", ""),
    openai("tgi", "Text Generation Inference", "http://127.0.0.1:3000/v1", "", ""),
];

impl Preset {
    /// The preset of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|preset| preset.name == name)
    }

    /// The preset of the vendor at that address.
    pub fn at(base_url: &str) -> Option<&'static Self> {
        let host = host_of(base_url)?.to_ascii_lowercase();
        let host = host.strip_suffix(":443").unwrap_or(&host);
        // On one's own machine a port says nothing.
        let foreign = ALL.iter().filter(|preset| !preset.key_env.is_empty());
        foreign.into_iter().find(|preset| {
            let known = host_of(preset.base_url).unwrap_or_default();
            match known.split_once('{').zip(known.split_once('}')) {
                Some(((before, _), (_, after))) => host.starts_with(before) && host.ends_with(after),
                None => host == known,
            }
        })
    }

    /// Whether the admin must fill in a part of its address.
    pub fn is_template(&self) -> bool {
        self.base_url.contains('{')
    }
}

fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    rest.split(['/', '?']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_there_once_and_has_an_address() {
        for (i, preset) in ALL.iter().enumerate() {
            assert!(ALL[..i].iter().all(|other| other.name != preset.name), "{}", preset.name);
            assert!(preset.base_url.starts_with("http") && !preset.base_url.ends_with('/'), "{}", preset.name);
        }
    }

    #[test]
    fn vendors_are_known_by_their_address() {
        let at = |url: &str| Preset::at(url).map(|preset| preset.name);
        assert_eq!(at("https://api.openai.com/v1"), Some("openai"));
        assert_eq!(at("https://bedrock-runtime.eu-central-1.amazonaws.com"), Some("bedrock"));
        assert_eq!(at("https://mine.openai.azure.com/openai?api-version=2024-10-21"), Some("azure"));
        assert_eq!(at("https://API.OpenAI.com:443/v1"), Some("openai"));
        assert_eq!(at("http://127.0.0.1:8000/v1"), None, "anything can run there");
        assert_eq!(at("https://api.openai.com.evil.example/v1"), None);
    }

    #[cfg(feature = "server")]
    #[test]
    fn the_vendors_of_presets_are_in_the_list_of_models() {
        for preset in ALL.iter().filter(|preset| !preset.vendor.is_empty() && preset.name != "openrouter") {
            assert!(crate::catalog::builtin::all().iter().any(|known| known.vendor == preset.vendor), "{}", preset.name);
        }
    }
}
