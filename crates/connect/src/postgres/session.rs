//! One connection with what is prepared on it, and how it is made again.

use std::time::Duration;

use ::postgres::config::{Host, SslMode};
use ::postgres::{Client, Config, NoTls, Statement};

use super::job::Statements;
use super::problem::Problem;
use crate::SinkError;
use crate::rows::Layout;

/// How long one attempt to connect may take where the URL does not say.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// How long sent data may stay unacknowledged before a connection counts as lost where the URL does
/// not say.
const SILENCE: Duration = Duration::from_secs(30);

/// A connection, and the statements that are prepared on it.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) copy: Statement,
    pub(super) job: Option<Statements>,
}

impl Session {
    /// Prepares what every batch needs.
    pub(super) fn prepare(
        mut client: Client,
        layout: &Layout,
        with_job: bool,
    ) -> Result<Self, Problem> {
        let copy = format!(
            "COPY {} ({}) FROM STDIN (FORMAT binary)",
            layout.quoted(),
            layout.quoted_columns()
        );
        let copy = client.prepare(&copy)?;
        let job = if with_job { Some(Statements::prepare(&mut client)?) } else { None };
        Ok(Self { client, copy, job })
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("closed", &self.client.is_closed()).finish_non_exhaustive()
    }
}

/// Reads a URL and adds what it leaves open; the second value is the database as messages name it,
/// without a password.
pub(super) fn config(url: &str) -> Result<(Config, String), SinkError> {
    let mut config: Config = url.parse().map_err(|error: postgres::Error| {
        let why = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        SinkError::destination(format!(
            "this PostgreSQL URL cannot be read{why}; it looks like postgres://user:password@host:5432/database"
        ))
    })?;
    if config.get_hosts().is_empty() {
        config.host(&default_host());
    }
    if config.get_user().is_none() {
        let user = std::env::var("PGUSER").or_else(|_| std::env::var("USER"));
        config.user(user.as_deref().unwrap_or("postgres"));
    }
    if config.get_password().is_none()
        && let Ok(password) = std::env::var("PGPASSWORD")
    {
        config.password(password);
    }
    if config.get_application_name().is_none() {
        config.application_name("millstream");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_WAIT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => String::new(),
    };
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    let name = format!("the PostgreSQL database {database} on {host}");
    if config.get_ssl_mode() == SslMode::Require {
        return Err(SinkError::destination(format!(
            "{name} is asked for with sslmode=require, but this program is built without TLS; use a local socket or a \
             tunnel with sslmode=disable"
        )));
    }
    Ok((config, name))
}

/// Where a server is looked for when the URL names no host.
fn default_host() -> String {
    let socket_directory = "/var/run/postgresql";
    match std::env::var("PGHOST") {
        Ok(host) => host,
        Err(_) if std::path::Path::new(socket_directory).is_dir() => socket_directory.to_owned(),
        Err(_) => "localhost".to_owned(),
    }
}

/// Connects without TLS.
pub(super) fn connect(config: &Config) -> Result<Client, Problem> {
    Ok(config.connect(NoTls)?)
}
