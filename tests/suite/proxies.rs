//! Proxies: a real Squid with its usual rules, and what variables name one.

use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use serde_json::Value;
use testkit::mock_receiver::{MockReceiver, ScriptedResponse};
use testkit::receivers::Receiver;
use testkit::{DEPOSIT, Devnet, LOTTERY, Printed, Way, json_at, needs, tool};

/// Squid as Debian ships it, which tunnels to port 443 alone, with a host name that only it knows.
fn squid() -> Receiver {
    let config = "http_port {address}\nvisible_hostname squid\npid_filename none\ncache_log /dev/null\n\
        coredump_dir /tmp\naccess_log none\ncache deny all\nhosts_file {folder}/hosts\n\
        shutdown_lifetime 0 seconds\nacl ssl port 443\nacl connect method CONNECT\nhttp_access deny connect !ssl\n\
        http_access allow localhost\nhttp_access deny all\n";
    let files = [("squid.conf", config), ("hosts", "127.0.0.1 node.behind-the-proxy\n")];
    Receiver::start(
        "squid",
        "/squid-internal-static/icons/SN.png",
        &files,
        &["-N", "-f", "{folder}/squid.conf"],
    )
}

#[test]
#[needs("squid")]
fn squid_forwards_http_without_a_tunnel() {
    let squid = squid();
    let devnet = Devnet::start(&[]);
    devnet
        .tool("dvrf-json", Way::Rpc)
        .env("SUPRA_RPC_URL", devnet.url.replace("127.0.0.1", "node.behind-the-proxy"))
        .env("http_proxy", format!("http://{}", squid.address))
        .env("https_proxy", "http://127.0.0.1:9")
        .arg("--live")
        .assert()
        .code(0)
        .stdout(json_at("/state/deposit/balance", "78750000000"));
}

/// What each variable does for a node at an http:// URL; the proxy answers 403 to everything.
#[rstest]
#[case::lower(&[("http_proxy", "{proxy}")], true)]
#[case::upper(&[("HTTP_PROXY", "{proxy}")], true)]
#[case::all(&[("all_proxy", "{proxy}")], true)]
#[case::of_https(&[("https_proxy", "{proxy}"), ("HTTPS_PROXY", "{proxy}")], false)]
#[case::excepted(&[("http_proxy", "{proxy}"), ("no_proxy", "example.com, 127.0.0.0/8")], false)]
#[case::excepted_port(&[("http_proxy", "{proxy}"), ("NO_PROXY", "127.0.0.1:1")], true)]
fn which_variable_counts(#[case] variables: &[(&str, &str)], #[case] through_proxy: bool) {
    let devnet = Devnet::start(&[]);
    let proxy = MockReceiver::open(Vec::new(), ScriptedResponse::status(403));
    let mut json = devnet.tool("dvrf-json", Way::Rpc);
    json.args(["--live", "--retries", "0"]);
    for (name, value) in variables {
        json.env(name, value.replace("{proxy}", proxy.url("").trim_end_matches('/')));
    }
    json.assert().code(if through_proxy { 2 } else { 0 });
    let first = proxy.requests().into_iter().next();
    let expected = through_proxy.then(|| devnet.url.clone());
    assert_eq!(first.map(|request| request.path.chars().take(devnet.url.len()).collect()), expected);
}

#[rstest]
#[case("https_proxy", "socks5://user:canary@p:1080", "https_proxy is ***: SOCKS proxies are not supported")]
#[case("ALL_PROXY", "socks5h://p", "ALL_PROXY is ***: SOCKS proxies are not supported")]
#[case("http_proxy", "canary canary", "http_proxy is ***: a proxy is written http://HOST:PORT")]
fn a_wrong_proxy_is_an_error(#[case] name: &str, #[case] value: &str, #[case] message: &str) {
    tool("dvrf-json")
        .env("LOTTERY_ADDR", LOTTERY)
        .env("DEPOSIT_ADDR", DEPOSIT)
        .env("SUPRA_RPC_URL", "http://127.0.0.1:9")
        .env(name, value)
        .arg("--live")
        .assert()
        .code(2)
        .stderr(contains(message).and(contains("canary").not()));
}

/// Doctor probes the way that requests take, and names it.
#[test]
fn doctor_names_the_proxy() {
    let devnet = Devnet::start(&[]);
    let receiver = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let doctor = |http_proxy: &str| {
        let mut doctor = devnet.tool("dvrf-doctor", Way::Rpc);
        doctor.env("http_proxy", http_proxy).env("no_proxy", "127.0.0.1").args(["--format", "json"]);
        doctor.env("DVRF_NOTIFY_CHANNELS", "generic,name=outside,url=http://hooks.invalid/x");
        doctor.env("MONITOR_PUSH_URL", receiver.url("push")).assert().json()["doctor"].clone()
    };
    let found = |probes: &Value, name: &str| {
        let probe = probes.as_array().unwrap().iter().find(|probe| probe["name"] == name).unwrap();
        (probe["health"].as_str().unwrap().to_owned(), probe["found"].as_str().unwrap().to_owned())
    };
    let proxy = receiver.url("").trim_end_matches('/').to_owned();
    let probes = doctor(&proxy);
    let (health, text) = found(&probes, "channel outside");
    assert_eq!(health, "ok", "{text}");
    assert!(text.contains(&format!("is called through the proxy {proxy}, which accepts")), "{text}");
    assert!(!found(&probes, "push url").1.contains("proxy"), "no_proxy holds for it");
    let (health, text) = found(&doctor("http://user:canary@127.0.0.1:9"), "channel outside");
    assert_eq!(health, "wrong", "{text}");
    let expected = "http://hooks.invalid/*** cannot be reached through the proxy http://127.0.0.1:9: ";
    assert!(text.starts_with(expected) && !text.contains("canary"), "{text}");
}

#[test]
fn doctor_names_the_proxy_of_the_node() {
    let devnet = Devnet::start(&[]);
    devnet
        .tool("dvrf-doctor", Way::Rpc)
        .env("http_proxy", "http://user:canary@127.0.0.1:9")
        .args(["--retries", "0"])
        .assert()
        .code(1)
        .stdout(contains("through the proxy http://127.0.0.1:9").and(contains("canary").not()));
}

#[test]
fn an_error_names_the_proxy_without_its_password() {
    tool("dvrf-json")
        .env("LOTTERY_ADDR", LOTTERY)
        .env("DEPOSIT_ADDR", DEPOSIT)
        .env("SUPRA_RPC_URL", "https://node.example")
        .env("https_proxy", "http://user:canary@127.0.0.1:9")
        .args(["--live", "--retries", "0"])
        .assert()
        .code(2)
        .stderr(contains("through the proxy http://127.0.0.1:9").and(contains("canary").not()));
}
