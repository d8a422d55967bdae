//! Servers of different users with one folder as their store, as in a cluster with one volume.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use super::support::process::{Output, guarded, run};

const PATIENCE: Duration = Duration::from_secs(60);

/// Writes an object, without root's right to write what is another's.
async fn publish(store: &Path, template: &Path, name: &str) -> Output {
    let mut command = guarded("bash");
    command.args(["-c", "umask 022; exec \"$@\"", "bash"]);
    if rustix::process::geteuid().is_root() {
        command.args(["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override", "--"]);
    }
    command.arg(env!("CARGO_BIN_EXE_hearth")).args(["pod-template", "publish", "--namespace", "n", "--name", name]);
    run(command.arg("--store").arg(format!("file:{}", store.display())).arg(template), PATIENCE).await
}

fn all_below(folder: &Path) -> Vec<fs::Metadata> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let meta = entry.metadata().unwrap();
        if meta.is_dir() {
            found.extend(all_below(&entry.path()));
        }
        found.push(meta);
    }
    found
}

#[tokio::test]
async fn what_one_user_wrote_does_not_keep_another_from_writing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, template) = (folder.path().join("store"), folder.path().join("t.yaml"));
    fs::create_dir(&store).unwrap();
    fs::write(&template, "apiVersion: v1\nkind: Pod\nspec: {}\n").unwrap();
    for round in 0..24 {
        publish(&store, &template, &format!("template-{round}")).await.succeeded();
        for entry in fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            fs::set_permissions(&entry, Permissions::from_mode(0o444)).unwrap();
            if rustix::process::geteuid().is_root() {
                std::os::unix::fs::chown(&entry, Some(65534), None).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_folder_that_its_group_shares_stays_the_groups() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("t.yaml");
    fs::write(&template, "apiVersion: v1\nkind: Pod\nspec: {}\n").unwrap();
    for (mode, expected) in [(0o2775, true), (0o775, false)] {
        let store = folder.path().join(format!("{mode:o}"));
        fs::create_dir(&store).unwrap();
        fs::set_permissions(&store, Permissions::from_mode(mode)).unwrap();
        publish(&store, &template, "t").await.succeeded();
        let made = all_below(&store);
        assert!(made.iter().filter(|meta| meta.is_dir()).count() >= 2, "{mode:o}: folders");
        for meta in made {
            assert_eq!(meta.mode() & 0o020 != 0, expected, "{mode:o}: {:o}", meta.mode());
        }
    }
}
