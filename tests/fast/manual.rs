//! What `hearth` tells shells and readers about itself.

use std::time::Duration;

use super::support::process::{Output, guarded, run};

const LIMIT: Duration = Duration::from_secs(60);

async fn hearth(arguments: &[&str]) -> Output {
    run(guarded(env!("CARGO_BIN_EXE_hearth")).args(arguments), LIMIT).await
}

#[tokio::test]
async fn bash_completes_commands_and_flags() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("hearth.bash");
    std::fs::write(&script, hearth(&["completions", "bash"]).await.succeeded().stdout).unwrap();
    let complete = async |words: &str| {
        let line = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); \
             _hearth hearth \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        run(guarded("bash").args(["-c", &line]), LIMIT).await.succeeded().stdout
    };
    assert_eq!(complete("hearth pod").await, "pod-template\n");
    assert_eq!(complete("hearth fetch --token-h").await, "--token-host\n");
    for shell in ["elvish", "fish", "powershell", "zsh"] {
        let script = hearth(&["completions", shell]).await.succeeded().stdout;
        assert!(script.contains("pod-template") && script.contains("token-host"), "{shell}");
    }
    assert_eq!(hearth(&["completions", "tcsh"]).await.status.code(), Some(64));
}

#[tokio::test]
async fn every_command_has_a_page_that_says_how_it_exits() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("man1");
    hearth(&["man", place.to_str().unwrap()]).await.succeeded();
    let page = |name: &str| std::fs::read_to_string(place.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    for name in ["hearth.1", "hearth-fetch.1", "hearth-pod-template.1", "hearth-stage.1", "hearth-submit.1"] {
        assert!(page(name).contains("Exit status"), "{name}");
    }
    assert!(page("hearth-pod-template-check.1").contains("podTemplateContainerName"));
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert_eq!(hearth(&["man", file.to_str().unwrap()]).await.status.code(), Some(1));
}
