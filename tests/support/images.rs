//! The images of `deploy/Dockerfile`, built by buildah around the program that is tested.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::cache;
use super::process::{Output, guarded, run};

/// All roles in one image.
pub(crate) const HEARTH: &str = "localhost/hearth:test";
/// What stands in for Spark's image.
pub(crate) const SPARK_HISTORY_SERVER: &str = "localhost/hearth-spark:test";

const PATIENCE: Duration = Duration::from_secs(300);

/// Archives of both, in a folder.
pub(crate) async fn build() -> (TempDir, [PathBuf; 2]) {
    let builder = Builder::new().await;
    builder.take_program().await;
    let hearth = builder.image(HEARTH, &[]).await;
    let spark = builder.image(SPARK_HISTORY_SERVER, &["--target", "spark"]).await;
    (builder.folder, [hearth, spark])
}

/// A copy of what `tests/setup` has prepared: what is built in it goes with it.
struct Builder {
    folder: TempDir,
}

impl Builder {
    async fn new() -> Self {
        let prepared = cache::needed("builder/storage", "cluster");
        let folder = TempDir::new_in(cache::folder()).unwrap();
        run(guarded("cp").arg("-a").args([&prepared, folder.path()]), PATIENCE).await.succeeded();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn buildah(&self, arguments: &[&str]) -> Output {
        let mut command = guarded("buildah");
        command.args(["--storage-driver", "overlay", "--root"]).arg(self.path("storage"));
        run(command.arg("--runroot").arg(self.path("run")).args(arguments), PATIENCE).await.succeeded()
    }

    /// Puts the program that is tested in the place of what the Dockerfile's first stage builds.
    async fn take_program(&self) {
        let program = self.path("build/src/target/release/hearth");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        run(guarded("strip").arg("-o").arg(&program).arg(env!("CARGO_BIN_EXE_hearth")), PATIENCE).await.succeeded();
        let file = self.path("Dockerfile");
        std::fs::write(&file, "FROM scratch\nCOPY . /\n").unwrap();
        let (file, context) = (file.display().to_string(), self.path("build").display().to_string());
        self.buildah(&["bud", "--quiet", "--tag", "localhost/build", "--file", &file, &context]).await;
    }

    async fn image(&self, name: &str, target: &[&str]) -> PathBuf {
        let project = env!("CARGO_MANIFEST_DIR");
        let file = Path::new(project).join("deploy/Dockerfile").display().to_string();
        let mut arguments = vec!["bud", "--quiet", "--isolation", "chroot", "--pull-never", "--layers"];
        arguments.extend([
            "--build-context",
            "build=container-image://localhost/build",
            "--tag",
            name,
            "--file",
            &file,
        ]);
        self.buildah(&[&arguments, target, &[project]].concat()).await;
        let archive = self.path(&format!("{}.tar", name.replace(['/', ':'], "-")));
        self.buildah(&["push", "--quiet", name, &format!("docker-archive:{}:{name}", archive.display())]).await;
        archive
    }
}
