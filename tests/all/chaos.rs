//! The caller never pays for a provider's faults, as long as there is a stand-in.

use crate::support::server::{KEYS, header, hello, provider};
use crate::support::{Place, Say, Server, Upstream};
use futures_util::{StreamExt as _, stream};
use std::time::{Duration, Instant};

/// `bot` on `primary`, with `backup` behind it.
async fn with_backup(primary: &str, backup: &Upstream, timeouts: &str) -> Server {
    let primary = provider("primary", primary, "").replace("connect_ms = 1000, first_byte_ms = 500", timeouts);
    let route = "[[routes]]\nname = \"bot\"\n[[routes.variants]]\nname = \"one\"\nweight = 1\nprovider = \"primary\"\nmodel = \"m\"\n\
        [routes.failover]\nretries = 1\ntargets = [{ provider = \"backup\", model = \"m\" }]\n";
    Server::with(&Place::sqlite(), &[&primary, &provider("backup", &backup.url, ""), route, KEYS].concat()).await
}

/// Times of so many calls one after the other, all of which must succeed.
async fn times(server: &Server, calls: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..calls {
        let began = Instant::now();
        let response = server.ask("ann").await;
        assert_eq!(response.status(), 200);
        response.bytes().await.expect("body");
        times.push(began.elapsed());
    }
    times
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_three_in_ten_failing_and_one_in_ten_stalling_callers_see_none_of_it() {
    let (primary, backup) = (Upstream::start().await, Upstream::start().await);
    let server = with_backup(&primary.url, &backup, "connect_ms = 1000, first_byte_ms = 150").await;
    // The same mixture however the calls come: three failures and a stall in ten, spread by a fixed stride.
    for i in 0..6_000_u32 {
        primary.then(match i.wrapping_mul(7) % 10 {
            0..3 => Say::error(500, "chaos"),
            3 => Say::hang_up().stall(),
            _ => Say::answer("hello"),
        });
    }
    let calls = 2_000;
    let failed = stream::iter(0..calls)
        .map(|_| async {
            let response = server.chat(&hello("bot")).send().await.expect("an answer");
            let status = response.status();
            response.bytes().await.expect("body");
            u32::from(status != 200)
        })
        .buffer_unordered(16)
        .fold(0, |sum, failed| async move { sum + failed })
        .await;
    // Fewer than one in a thousand.
    assert!(failed * 1_000 < calls, "{failed} of {calls} failed");
    // How many reach the primary is up to its breaker, which opens and closes meanwhile.
    assert!(primary.calls() >= 20 && backup.calls() > 0, "{} and {}", primary.calls(), backup.calls());
}

#[tokio::test]
async fn with_the_primary_dead_calls_take_as_long_as_with_the_stand_in_alone() {
    let backup = Upstream::start().await;
    let alone = with_backup(&backup.url, &backup, "connect_ms = 1000, first_byte_ms = 500").await;
    times(&alone, 20).await;
    let healthy = median(times(&alone, 200).await);
    // Nobody listens, and: packets go nowhere (RFC 5737, TEST-NET-1).
    for (name, dead) in [("refused", "http://127.0.0.1:1/v1"), ("blackholed", "http://192.0.2.1/v1")] {
        let server = with_backup(dead, &backup, "connect_ms = 400, first_byte_ms = 500").await;
        let first = server.ask("ann").await;
        assert_eq!((first.status().as_u16(), header(&first, "x-hypercare-provider").as_str()), (200, "backup"), "{name}");
        let second = times(&server, 1).await[0];
        assert!(second < healthy + Duration::from_millis(15), "{name}: the second call took {second:?}, {healthy:?} is usual");
        // And those after it, over the first pause and the looks whether it is back.
        let began = Instant::now();
        let mut all = Vec::new();
        while began.elapsed() < Duration::from_secs(4) {
            all.extend(times(&server, 50).await);
        }
        let slow = all.iter().filter(|time| **time > Duration::from_millis(300)).count();
        assert_eq!(slow, 0, "{name}: nobody waits for the dead one; {} calls", all.len());
        let added = median(all).saturating_sub(healthy);
        assert!(added < Duration::from_millis(1), "{name}: {added:?} added to {healthy:?}");
    }
}
