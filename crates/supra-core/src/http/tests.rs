//! Roots of trust, and what a connection that failed says.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;

use super::*;

/// The directory of a test, with a certificate and files that are none.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[0])
    );
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let marked = format!("\u{feff}{pem}");
    for (name, text) in [("ca.pem", pem.as_str()), ("marked.pem", &marked), ("empty", ""), ("own", key)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// How many authorities a setting names; `None` for the built-in list.
fn count(setting: Option<&str>, ssl_cert_file: Option<&str>) -> Result<Option<usize>, String> {
    let folder = folder();
    let path = |text: &str| text.replace("DIR", &folder.path().display().to_string());
    let roots = Roots::load(setting.map(path).as_deref(), ssl_cert_file.map(path).as_deref());
    match roots.map_err(|error| error.message().replace(&folder.path().display().to_string(), "DIR"))?.0 {
        RootCerts::Specific(list) => Ok(Some(list.len())),
        _ => Ok(None),
    }
}

#[rstest]
#[case::built_in(None, None, Ok(None))]
#[case::file(Some("DIR/ca.pem"), None, Ok(Some(1)))]
#[case::byte_order_mark(Some("DIR/marked.pem"), None, Ok(Some(1)))]
#[case::added(Some("+DIR/ca.pem"), None, Ok(Some(webpki_root_certs::TLS_SERVER_ROOT_CERTS.len() + 1)))]
#[case::ssl_cert_file(None, Some("DIR/ca.pem"), Ok(Some(1)))]
#[case::setting_wins(Some("DIR/ca.pem"), Some("DIR/none"), Ok(Some(1)))]
#[case::added_to_ssl_cert_file(Some("+DIR/ca.pem"), Some("DIR/ca.pem"), Ok(Some(2)))]
#[case::empty(Some("DIR/empty"), None, Err("the TLS roots DIR/empty hold no certificate"))]
#[case::key(Some("DIR/own"), None, Err("the TLS roots DIR/own hold a private key"))]
#[case::directory(Some("/"), None, Err("the TLS roots / cannot be read: it is not a regular file"))]
#[case::no_file(
    Some("+"),
    None,
    Err("the TLS roots  cannot be read: No such file or directory (os error 2)")
)]
#[case::missing(
    None,
    Some("DIR/none"),
    Err("the TLS roots DIR/none cannot be read: No such file or directory (os error 2)")
)]
fn what_roots_are_loaded(
    #[case] setting: Option<&str>,
    #[case] ssl_cert_file: Option<&str>,
    #[case] expected: Result<Option<usize>, &str>,
) {
    assert_eq!(count(setting, ssl_cert_file), expected.map_err(str::to_owned));
}

/// A server that does not speak the scheme of the URL often closes the connection.
#[rstest]
#[case::plain("http://h/", "the server closed the connection: if the port speaks TLS, write https://")]
#[case::tls("https://h/", "the server closed the connection: if the port serves plain HTTP, write http://")]
fn a_closed_connection_names_the_other_scheme(#[case] url: &str, #[case] message: &str) {
    let call = Call {
        method: Method::Get,
        url,
        headers: &[],
        body: &[],
        content_type: "",
        timeout: Duration::from_secs(1),
        body_bytes_max: 1,
    };
    let closed = ureq::Error::Io(io::ErrorKind::UnexpectedEof.into());
    assert_eq!(http_error(closed, &call).to_string(), message);
}

#[test]
fn a_mistake_names_the_variable_that_has_it() {
    let hint = |setting, file| Roots::load(setting, file).unwrap_err().hint().unwrap().to_owned();
    assert!(hint(None, Some("/none")).starts_with("SSL_CERT_FILE names a PEM file"));
    assert!(hint(Some("/none"), None).starts_with("DVRF_TLS_ROOTS names a PEM file"));
}
