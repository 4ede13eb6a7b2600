//! TLS: from a file of certificates and one of their private key, which are read again while the door runs.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto};
use tokio_rustls::TlsAcceptor;

use super::keys::file::is_open_to_others;
use crate::config::Web;
use crate::error::ConfigError;

/// What connections speak TLS with.
pub(super) struct Tls(Mutex<Arc<ServerConfig>>);

impl Tls {
    /// `None` where there is to be no TLS.
    ///
    /// # Errors
    /// Where the files cannot be read, have no certificate or key, or those do not go together.
    pub(super) fn open(web: &Web) -> Result<Option<Self>, ConfigError> {
        Ok(read(web)?.map(|config| Self(Mutex::new(config))))
    }

    /// The connections to come have the files as they are now. Where those are wrong nothing changes.
    ///
    /// # Errors
    /// As [`Tls::open`].
    pub(super) fn reload(&self, web: &Web) -> Result<(), ConfigError> {
        if let Some(config) = read(web)? {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = config;
        }
        Ok(())
    }

    /// For one connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn read(web: &Web) -> Result<Option<Arc<ServerConfig>>, ConfigError> {
    let (Some(certificate), Some(private_key)) = (&web.certificate, &web.private_key) else {
        return Ok(None);
    };
    let certificates = certificates(certificate).map_err(|why| wrong("web.certificate", certificate, why))?;
    let key = PrivateKeyDer::from_pem_file(private_key)
        .map_err(|error| wrong("web.private_key", private_key, told(&error, "private key")))?;
    if is_open_to_others(private_key) {
        let path = private_key.display();
        tracing::warn!("{path} is not for its owner alone, as a private key is to be: chmod 600");
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(|error| wrong("web.private_key", private_key, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let told = |error| told(&error, "certificate");
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(told)?.collect();
    let certificates = certificates.map_err(told)?;
    if certificates.is_empty() { Err(told(pem::Error::NoItemsFound)) } else { Ok(certificates) }
}

/// What is wrong with a file, in words that say what it is to have.
fn told(error: &pem::Error, what: &str) -> String {
    match error {
        pem::Error::NoItemsFound => format!("there is no {what} in it; it is to be PEM"),
        pem::Error::Io(error) => format!("it cannot be read: {error}"),
        other => other.to_string(),
    }
}

fn wrong(key: &'static str, path: &Path, why: String) -> ConfigError {
    ConfigError::Tls { key, path: path.to_owned(), why }
}
