//! The history server as clients ask it: compressed, over one connection, for heads and parts, on conditions; and clients that hardly
//! read what they asked for.

use std::io::Read as _;
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::support::clients::{API, APP, PAGES, site};

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as it was before it was compressed.
    fn plain(&self) -> Vec<u8> {
        if self.header(header::CONTENT_ENCODING) != "gzip" {
            return self.body.clone();
        }
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&self.body[..]).read_to_end(&mut text).unwrap();
        text
    }
}

async fn ask(client: &Client, method: Method, url: &str, headers: &[(HeaderName, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
    let answer = client.request(method, url).headers(headers.collect()).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.unwrap_or_else(|error| panic!("{url} broke off: {error}"));
    Answer { status, headers, body: body.into() }
}

#[tokio::test]
async fn every_address_answers_every_kind_of_request() {
    let (hearth, _folder) = site().await;
    let (site, client) = (hearth.address("history server"), Client::new());
    let mut streamed = 0;
    for path in API.iter().chain(&PAGES) {
        let (url, is_page) = (format!("{site}{path}"), PAGES.contains(path));
        let plain = ask(&client, Method::GET, &url, &[]).await;
        assert_eq!(plain.status, StatusCode::OK, "{url}");
        assert!(plain.header(header::CONTENT_ENCODING).is_empty(), "{url}");
        streamed += usize::from(plain.header(header::CONTENT_LENGTH).is_empty());
        // A page says what time it is.
        let same =
            |other: &Answer| if is_page { other.plain().ends_with(b"</html>") } else { other.plain() == plain.body };

        let gzip = ask(&client, Method::GET, &url, &[(header::ACCEPT_ENCODING, "gzip, deflate, br, zstd")]).await;
        assert!(gzip.status == plain.status && same(&gzip), "{url} compressed: {} bytes", gzip.body.len());
        let is_archive = path.ends_with("/logs");
        assert_eq!(gzip.header(header::CONTENT_ENCODING).is_empty(), is_archive || plain.body.len() < 32, "{url}");

        for encoding in ["", "gzip"] {
            let head = ask(&client, Method::HEAD, &url, &[(header::ACCEPT_ENCODING, encoding)]).await;
            assert!(head.status == plain.status && head.body.is_empty(), "{url}: {}", head.status);
            assert_eq!(head.header(header::CONTENT_TYPE), plain.header(header::CONTENT_TYPE), "{url}");
        }

        for condition in [
            (header::IF_NONE_MATCH, "\"another\""),
            (header::IF_MODIFIED_SINCE, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (header::IF_UNMODIFIED_SINCE, "Fri, 01 Jan 2100 00:00:00 GMT"),
            (header::IF_MATCH, "*"),
        ] {
            let answer = ask(&client, Method::GET, &url, std::slice::from_ref(&condition)).await;
            assert!(answer.status == StatusCode::OK && same(&answer), "{url}: {condition:?}: {}", answer.status);
        }
        for (range, from, to) in
            [("bytes=0-9", 0, 10), ("bytes=5-", 5, plain.body.len()), ("bytes=999999999-", 0, 0), ("x", 0, 0)]
        {
            let answer = ask(&client, Method::GET, &url, &[(header::RANGE, range)]).await;
            match answer.status {
                StatusCode::OK => assert!(same(&answer), "{url}: {range}"),
                StatusCode::PARTIAL_CONTENT => assert_eq!(answer.body, &plain.body[from..to], "{url}: {range}"),
                status => assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE, "{url}: {range}"),
            }
        }
    }
    assert!(streamed >= 5, "long answers are among them: {streamed}");
    let (_, log) = hearth.stop().await;
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
}

/// Reads the head of an answer and its body, by its length or its chunks.
async fn read_answer(stream: &mut BufReader<TcpStream>, has_body: bool) -> (String, Vec<u8>) {
    let line = async |stream: &mut BufReader<TcpStream>| {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(line).unwrap()
    };
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head += &line(stream).await;
    }
    let (head, mut body) = (head.to_ascii_lowercase(), Vec::new());
    if !has_body {
        return (head, body);
    }
    if let Some((_, rest)) = head.split_once("content-length: ") {
        body.resize(rest.lines().next().unwrap().parse().unwrap(), 0);
        stream.read_exact(&mut body).await.unwrap();
        return (head, body);
    }
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    loop {
        let length = usize::from_str_radix(line(stream).await.trim(), 16).unwrap();
        let from = body.len();
        body.resize(from + length, 0);
        stream.read_exact(&mut body[from..]).await.unwrap();
        line(stream).await;
        if length == 0 {
            return (head, body);
        }
    }
}

#[tokio::test]
async fn one_connection_takes_any_number_of_requests() {
    let (hearth, _folder) = site().await;
    let address = hearth.address("history server");
    let host = address.trim_start_matches("http://");
    let mut stream = BufReader::new(TcpStream::connect(host).await.unwrap());
    for round in 0..2 {
        for path in API.iter().chain(&PAGES) {
            for (method, encoding) in [("GET", "gzip"), ("HEAD", "gzip"), ("GET", "identity"), ("HEAD", "identity")] {
                let request =
                    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: {encoding}\r\n\r\n");
                stream.write_all(request.as_bytes()).await.unwrap();
                let (head, body) = read_answer(&mut stream, method == "GET").await;
                assert!(head.starts_with("http/1.1 200"), "{round} {method} {path}: {head}");
                assert!(!head.contains("connection: close"), "{round} {method} {path}: {head}");
                assert_eq!(body.is_empty(), method == "HEAD", "{round} {method} {path}: {head}");
            }
        }
    }
}

/// How many clients hardly read. Two thousand were tried, too; a test has only so many files.
#[expect(clippy::disallowed_methods, reason = "how many it tries is for who calls it to say")]
fn slow_readers() -> usize {
    std::env::var("HEARTH_SLOW_READERS").map_or(200, |text| text.parse().unwrap())
}

/// What the server may take for each of them, in KiB, and what it takes without any.
const KIB_EACH: u64 = 768;
const KIB_ALWAYS: u64 = 256 * 1024;

#[tokio::test]
async fn clients_that_hardly_read_keep_nobody_waiting() {
    let (hearth, _folder) = site().await;
    let address = hearth.address("history server");
    let host = address.trim_start_matches("http://");
    let long = [
        format!("/api/v1/applications/{APP}/stages/0"),
        format!("/api/v1/applications/{APP}/stages?details=true"),
        format!("/api/v1/applications/{APP}/stages/0/0/taskList?length=100000"),
        format!("/api/v1/applications/{APP}/logs"),
    ];
    let mut held = Vec::new();
    for n in 0..slow_readers() {
        let mut stream = TcpStream::connect(host).await.unwrap();
        let encoding = if n % 2 == 0 { "gzip" } else { "identity" };
        let path = &long[n % long.len()];
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: {encoding}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        held.push(stream);
    }
    // Each has its answer's beginning, and reads a byte now and then.
    for stream in &mut held {
        assert_eq!(stream.read_u8().await.unwrap(), b'H');
    }
    let client = Client::new();
    let asked = async {
        for round in 0..5 {
            for path in &long {
                let answer = ask(&client, Method::GET, &format!("{address}{path}"), &[]).await;
                assert_eq!(answer.status, StatusCode::OK, "{round} {path}");
            }
            for stream in &mut held {
                stream.read_u8().await.unwrap();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(300), asked).await.expect("others are answered");
    let most = KIB_ALWAYS + KIB_EACH * held.len() as u64;
    assert!(hearth.resident_kib() <= most, "{} KiB for {} clients", hearth.resident_kib(), held.len());
    // Whoever reads on gets the rest.
    let mut last = BufReader::new(held.swap_remove(0));
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(120), async {
        while !rest.ends_with(b"\r\n0\r\n\r\n") {
            assert!(last.read_buf(&mut rest).await.unwrap() > 0, "it broke off after {} bytes", rest.len());
        }
    });
    read.await.expect("the rest comes");
    drop(held);
    let (_, log) = hearth.stop().await;
    assert!(!log.contains("panicked"), "{log}");
}
