//! A server that answers as a test tells it to, byte for byte, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A server that closes each connection after one answer; ends when dropped.
pub(crate) struct Scripted {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// The raw answer to a request's head, given how many heads of the same first line came before. `None` is no answer, ever.
type Script = dyn Fn(&str, usize) -> Option<Vec<u8>> + Send + Sync;

impl Scripted {
    pub(crate) async fn start(script: impl Fn(&str, usize) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, heads): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&asked));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(answer(socket, Arc::clone(&script), Arc::clone(&heads)));
            }
        });
        Self { address, asked, task }
    }

    /// `host:port`
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of all requests so far, in lower case.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut socket: TcpStream, script: Arc<Script>, asked: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let before = {
        let mut asked = asked.lock().unwrap();
        let line = head.lines().next().unwrap().to_ascii_lowercase();
        let before = asked.iter().filter(|other| other.starts_with(&line)).count();
        asked.push(head.to_ascii_lowercase());
        before
    };
    match script(&head, before) {
        Some(bytes) => drop(socket.write_all(&bytes).await),
        // Until the other side, or the test, gives up.
        None => drop(socket.read_u8().await),
    }
}

/// An answer with a status line, headers, and a body, whose length is announced unless the headers say something of it.
pub(crate) fn reply(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}
