//! The native protocol, asked by programs that other people wrote: schemathesis, which asks all that the contract says
//! can be asked and much that it does not, and a client of tus.

use std::path::Path;
use std::time::Duration;

use crate::support::cache;
use crate::support::hearth::Hearth;
use crate::support::process::{guarded, run};

const MINUTES: Duration = Duration::from_secs(600);

async fn start() -> Hearth {
    // A program begins more uploads in a second than people do.
    let arguments = ["staging-server", "--store", "memory:", "--listen", "127.0.0.1:0", "--admin-listen", "off"];
    let rate = ["--max-namespace-upload-rate", "100000"];
    Hearth::start(&[arguments.as_slice(), &rate].concat(), &[], &["staging server"]).await
}

/// It finds nothing, with none of its checks left out.
#[tokio::test]
async fn the_contract_holds() {
    let hearth = start().await;
    let folder = tempfile::tempdir().unwrap();
    let contract = format!("{}/v1/openapi.json", hearth.address("staging server"));
    let mut command = guarded(cache::contract_program("schemathesis"));
    command.args(["run", &contract, "--seed", "1", "--max-examples", "40", "--no-color"]).current_dir(folder.path());
    let output = run(&mut command, MINUTES).await.succeeded();
    println!("{}", output.stdout);
    assert!(output.stdout.contains("Tested: 15"), "{}", output.stdout);
    let (status, log) = hearth.stop().await;
    assert!(status == Some(0) && !log.contains("ERROR"), "{log}");
}

/// A stock client sends a file in pieces, is cut off, and another one goes on by what the first has noted.
#[tokio::test]
async fn a_client_of_tus_goes_on_where_it_was_cut_off() {
    let hearth = start().await;
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/staging/tus.py");
    let mut command = guarded(cache::contract_program("python"));
    command.arg(script).arg(hearth.address("staging server")).current_dir(folder.path());
    let said = run(&mut command, MINUTES).await.succeeded().stdout;
    assert_eq!(said.lines().last(), Some("cut off at 10000000 of 25000000, went on, and all of it is there"));
}
