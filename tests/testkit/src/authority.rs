//! Certificates for tests of TLS.

use std::path::PathBuf;

/// An authority of our own and the certificates that it vouched for, made by openssl.
pub struct Authority(tempfile::TempDir);

impl Authority {
    /// Makes `ca.pem`, and `good`, `other` (of another host) and `late` (of another time) with `.pem` and `.key`.
    ///
    /// # Panics
    /// When openssl fails; the test declares `openssl`.
    #[must_use]
    pub fn make() -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let script = r#"
            export OPENSSL_CONF=/dev/null
            request() { openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.csr -subj /CN=$1 -config <(printf '[req]\ndistinguished_name=d\n[d]\n'); }
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2 \
                -config <(printf '[req]\ndistinguished_name=d\nx509_extensions=e\n[d]\n[e]\nbasicConstraints=critical,CA:TRUE\n')
            sign() { openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $1.pem "${@:3}" \
                -extfile <(printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$2"); }
            request good; sign good DNS:localhost -days 2
            request other; sign other DNS:elsewhere.example -days 2
            request late; sign late DNS:localhost -days -1 || sign late DNS:localhost -not_before 20200101000000Z -not_after 20200102000000Z
        "#;
        let made = crate::program("bash").args(["-ec", script]).current_dir(folder.path()).output();
        let made = made.unwrap_or_else(|error| panic!("bash: {error}"));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self(folder)
    }

    /// The path of one of its files.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
