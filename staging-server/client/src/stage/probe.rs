//! Goes the whole way of an upload with a few bytes, to see where it ends.

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};

use super::{Probe, Stager};
use crate::{Failure, wire};

const CONTENT: &str = "hearth doctor was here\n";

impl Stager {
    /// Uploads a small file under a name that nobody else has, reads it back as a pod does, without a token, and removes it.
    ///
    /// # Errors
    /// [`Failure`] when the upload fails.
    pub async fn probe(&self) -> Result<Probe, Failure> {
        let folder = format!("/staging/{}/spark-upload-{}", self.settings.namespace, uuid::Uuid::new_v4());
        let path = format!("{folder}/hearth-doctor.txt");
        let place = self.place(&path).await?;
        let sent_to = wire::authority(&place);
        let request = self.http.request(Method::PUT, place).header(CONTENT_TYPE, "application/octet-stream");
        let answer = self.send(request.body(CONTENT)).await?;
        if answer.status() != StatusCode::CREATED {
            return Err(wire::refused(answer).await);
        }
        let read = self.read_as_a_pod(&path).await;
        let url = self.url(&folder, &[("op", "DELETE"), ("recursive", "true")]);
        let removed = match self.send(self.http.delete(url)).await {
            Ok(answer) if answer.status() == StatusCode::OK => Ok(()),
            Ok(answer) => Err(wire::refused(answer).await),
            Err(failure) => Err(failure),
        };
        Ok(Probe { sent_to, read, removed })
    }

    async fn read_as_a_pod(&self, path: &str) -> Result<(), Failure> {
        let url = self.url(path, &[("op", "OPEN"), ("offset", "0")]);
        let answer = self.http.get(url).send().await.map_err(wire::of_request)?;
        if answer.status() != StatusCode::OK {
            return Err(wire::refused(answer).await);
        }
        match wire::whole(answer, CONTENT.len()).await {
            Some(read) if read == CONTENT.as_bytes() => Ok(()),
            _ => Err(Failure::lasting("what was read is not what was sent")),
        }
    }
}
