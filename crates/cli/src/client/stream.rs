//! Newline-delimited JSON, one message at a time, as Argo's streams send it.
//! Not here: server-sent events; this client does not ask for them.

use reqwest::Response;
use serde::de::DeserializeOwned;

use super::{Client, answer::StreamMessage};
use crate::error::CliError;

/// The longest message, in bytes: a workflow with its largest status.
const LONGEST: usize = 64 * 1024 * 1024;

/// The messages of a stream.
#[derive(Debug)]
pub struct Lines {
    client: Client,
    response: Response,
    kept: Vec<u8>,
    /// How much of `kept` is known to hold no newline.
    searched: usize,
    ended: bool,
}

impl Lines {
    pub(super) const fn new(client: Client, response: Response) -> Self {
        Self { client, response, kept: Vec::new(), searched: 0, ended: false }
    }

    /// Returns the next message; none when the stream has ended.
    ///
    /// # Errors
    /// [`CliError`]: the connection broke, a message is too long or makes no sense, or the server sent an error.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, CliError> {
        while let Some(line) = self.line().await? {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let message: StreamMessage<T> =
                serde_json::from_slice(&line).map_err(|error| self.client.not_understood(error))?;
            if let Some(problem) = message.error {
                let status = problem.http_code.and_then(|code| reqwest::StatusCode::from_u16(code).ok());
                return Err(super::failure(
                    self.client.server(),
                    status.unwrap_or(reqwest::StatusCode::BAD_GATEWAY),
                    problem,
                ));
            }
            if message.result.is_some() {
                return Ok(message.result);
            }
        }
        Ok(None)
    }

    async fn line(&mut self) -> Result<Option<Vec<u8>>, CliError> {
        loop {
            let found =
                self.kept.get(self.searched..).and_then(|new| new.iter().position(|byte| *byte == b'\n'));
            if let Some(offset) = found {
                let end = self.searched.saturating_add(offset);
                let rest = self.kept.split_off(end.saturating_add(1));
                self.searched = 0;
                return Ok(Some(std::mem::replace(&mut self.kept, rest)));
            }
            self.searched = self.kept.len();
            if self.ended {
                self.searched = 0;
                let last = std::mem::take(&mut self.kept);
                return Ok(if last.is_empty() { None } else { Some(last) });
            }
            if self.kept.len() > LONGEST {
                return Err(self.client.not_understood(format!("a message of more than {LONGEST} bytes")));
            }
            let chunk = self.response.chunk().await;
            let chunk = chunk.map_err(|source| CliError::Unreachable {
                server: self.client.server().to_owned(),
                source,
            })?;
            match chunk {
                Some(bytes) => self.kept.extend_from_slice(&bytes),
                None => self.ended = true,
            }
        }
    }
}
