//! `POST /oauth2/token`: the one way to log in that a stock Hadoop client has without another jar.
//!
//! The client sends a credential as RFC 6749's client secret (section 4.4) and gets a token for a while. Any answer but 200
//! ends its job, so a credential that is no good gets a token too, one that names nobody: a driver that was given no secret
//! has to be able to read what it was given the path of.

use std::sync::Arc;

use ::access::Issued;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::identify::{Identify, refuse};

const FORM_LIMIT_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
struct Asked {
    grant_type: String,
    #[serde(default)]
    client_secret: String,
}

/// RFC 6749, section 5.1.
#[derive(Serialize)]
struct Granted {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

/// RFC 6749, section 5.2.
#[derive(Serialize)]
struct Refused {
    error: &'static str,
    error_description: String,
}

pub(super) fn router(identify: Arc<Identify>) -> Router {
    Router::new()
        .route("/oauth2/token", post(token))
        .layer(DefaultBodyLimit::max(FORM_LIMIT_BYTES))
        .with_state(identify)
}

async fn token(State(identify): State<Arc<Identify>>, asked: Result<Form<Asked>, FormRejection>) -> Response {
    let asked = match asked {
        Ok(Form(asked)) => asked,
        Err(error) => return bad("invalid_request", error.body_text()),
    };
    if asked.grant_type != "client_credentials" {
        let text = format!("{:?} is not known: send grant_type=client_credentials and client_secret", asked.grant_type);
        return bad("unsupported_grant_type", text);
    }
    match identify.authenticator.exchange(&asked.client_secret).await {
        Ok(Issued { token, lifetime }) => {
            let granted = Granted { access_token: token, token_type: "Bearer", expires_in: lifetime.as_secs() };
            ([(header::CACHE_CONTROL, "no-store")], Json(granted)).into_response()
        }
        Err(denied) => refuse(&denied),
    }
}

fn bad(error: &'static str, error_description: String) -> Response {
    (StatusCode::BAD_REQUEST, Json(Refused { error, error_description })).into_response()
}
