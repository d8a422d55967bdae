//! Uploads that a text names: a command line, or a file of Spark's properties.

use std::collections::BTreeSet;

use storage::ObjectPath;

use crate::path::FilePath;
use crate::tree::folders::NATIVE;

/// Where uploads are made, which is no upload.
const UPLOAD_PATH: &str = "spark.kubernetes.file.upload.path";
const STAGING: &str = "/staging/";
const V1: &str = "/v1/namespaces/";

/// The names of all documents, or of folders of them, that stand in `text` as paths of this server.
pub(super) fn mentions(text: &str) -> BTreeSet<ObjectPath> {
    // Property files escape colons.
    let text = text.replace('\\', "");
    let is_end = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '#' | '?' | '"' | '\'' | '<' | '>' | '|');
    let words = text.split(is_end).filter(|word| !word.starts_with(UPLOAD_PATH));
    words.flat_map(|word| [staged(word), native(word)]).flatten().collect()
}

/// Something below a namespace: a namespace itself is nobody's.
fn staged(word: &str) -> Option<ObjectPath> {
    let path = decoded(word.get(word.find(STAGING)?..)?)?;
    let (_, inside) = path.split();
    (inside.parts().count() >= 2).then_some(inside)
}

/// A blob, or a manifest, or an artifact of one.
fn native(word: &str) -> Option<ObjectPath> {
    let path = decoded(word.get(word.find(V1)? + V1.len() - 1..)?)?.to_string();
    let parts: Vec<&str> = path.split('/').skip(1).take(3).collect();
    match parts.as_slice() {
        [namespace, kind @ ("blobs" | "manifests"), name] => {
            ObjectPath::parse(&format!("{NATIVE}/{namespace}/{kind}/{name}")).ok()
        }
        _ => None,
    }
}

fn decoded(path: &str) -> Option<FilePath> {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    FilePath::parse(&decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spark_writes_names_its_uploads() {
        let text = "#Java properties built from Kubernetes config map\n\
            spark.kubernetes.file.upload.path=webhdfs\\://hearth\\:10000/staging/etl/uploads\n\
            spark.jars=webhdfs\\://hearth\\:10000/staging/etl/spark-upload-1/a%20b.jar,local\\:///opt/x.jar,http://h/staging/etl/c.jar#d\n\
            spark.files=http://h:1/v1/namespaces/etl/manifests/job-1/artifacts/conf/x,http://h/v1/namespaces/etl/blobs/sha256\\:ab\n\
            spark.eventLog.dir=webhdfs\\://hearth\\:10000/event-logs\n";
        let found: Vec<String> = mentions(text).iter().map(|path| path.as_str().to_owned()).collect();
        let expected = [
            ".hearth-v1/etl/blobs/sha256:ab",
            ".hearth-v1/etl/manifests/job-1",
            "etl/c.jar",
            "etl/spark-upload-1/a b.jar",
        ];
        assert_eq!(found, expected);
        let driver = "driver --properties-file /opt/spark/conf/spark.properties webhdfs://h:1/staging/etl/spark-upload-2/main.jar 1";
        assert_eq!(mentions(driver).len(), 1);
        assert_eq!(
            mentions("--conf spark.kubernetes.file.upload.path=webhdfs://h:1/staging/etl/x /staging/etl").len(),
            0
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "[/%a-z\\\\ :,#]{0,40}(/staging/|/v1/namespaces/)?\\PC{0,40}") {
            let _ = mentions(&text);
        }
    }
}
