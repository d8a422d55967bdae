//! The modules of a crate, and which file takes what from which other, by its own imports and paths.
//!
//! A name is followed through re-exports to the file that defines it, so that a module that only passes on what its children make
//! (`pub use child::Thing`) uses nothing. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, UseTree, Visibility};

/// What each file takes from others: by user and used, the path that names it.
pub(super) type Edges = BTreeMap<PathBuf, BTreeMap<PathBuf, String>>;

/// A crate, module by module; the first one is its root.
#[derive(Default)]
struct Crate {
    modules: Vec<Module>,
}

struct Module {
    parent: usize,
    file: PathBuf,
    children: BTreeMap<String, usize>,
    /// Names that are defined here.
    defined: BTreeSet<String>,
    imports: Vec<Import>,
    /// Paths that the module's code names.
    named: Vec<Vec<String>>,
}

struct Import {
    /// The name that it gets here; `*` for all of a module's.
    name: String,
    path: Vec<String>,
}

/// What a path leads to.
#[derive(Clone, Copy)]
enum Target {
    Module(usize),
    /// Something that this module defines.
    In(usize),
    OtherCrate,
}

/// Who uses whom among the files of the crate whose root this file is.
pub(super) fn edges(root: &Path) -> Edges {
    let mut all = Crate::default();
    all.add_file(0, root, root.parent().unwrap());
    let mut edges = Edges::new();
    for (at, module) in all.modules.iter().enumerate() {
        for path in &module.named {
            let Some(Target::In(used)) = all.resolve(at, path, 0) else { continue };
            let used = &all.modules[used].file;
            if *used != module.file {
                edges.entry(module.file.clone()).or_default().entry(used.clone()).or_insert_with(|| path.join("::"));
            }
        }
    }
    edges
}

impl Crate {
    /// Takes in a file; its children's files lie in `folder`.
    fn add_file(&mut self, parent: usize, file: &Path, folder: &Path) -> usize {
        let text = std::fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(parent, file, folder, &parsed.items)
    }

    fn add(&mut self, parent: usize, file: &Path, folder: &Path, items: &[Item]) -> usize {
        let at = self.modules.len();
        let (children, defined, imports, named) = Default::default();
        self.modules.push(Module { parent, file: file.to_owned(), children, defined, imports, named });
        let mut code = Code::default();
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            match item {
                Item::Mod(child) => self.add_child(at, file, folder, child),
                Item::Use(import) => {
                    let mut imports = Vec::new();
                    flatten(&import.tree, &[], &mut imports);
                    if matches!(import.vis, Visibility::Inherited) {
                        code.paths.extend(imports.iter().map(|import| import.path.clone()));
                    }
                    self.modules[at].imports.extend(imports);
                }
                other => {
                    self.modules[at].defined.extend(name(other));
                    code.visit_item(other);
                }
            }
        }
        self.modules[at].named = code.paths;
        at
    }

    fn add_child(&mut self, at: usize, file: &Path, folder: &Path, child: &ItemMod) {
        let name = child.ident.to_string();
        let below = folder.join(&name);
        let added = match &child.content {
            Some((_, items)) => self.add(at, file, &below, items),
            None => self.add_file(at, &below.with_extension("rs"), &below),
        };
        self.modules[at].children.insert(name, added);
    }

    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(from),
            "super" => Target::Module(self.modules[from].parent),
            name => self.look_up(from, name, depth)?,
        };
        for name in rest {
            at = match at {
                Target::In(_) | Target::OtherCrate => return Some(at),
                Target::Module(module) if name == "super" => Target::Module(self.modules[module].parent),
                Target::Module(module) => self.look_up(module, name, depth).unwrap_or(Target::In(module)),
            };
        }
        Some(at)
    }

    /// What a name means in a module; `None` where that cannot be seen.
    fn look_up(&self, module: usize, name: &str, depth: usize) -> Option<Target> {
        let found = &self.modules[module];
        if depth > 32 {
            return None;
        }
        if let Some(child) = found.children.get(name) {
            return Some(Target::Module(*child));
        }
        if found.defined.contains(name) {
            return Some(Target::In(module));
        }
        if let Some(import) = found.imports.iter().find(|import| import.name == name) {
            return Some(self.resolve(module, &import.path, depth + 1).unwrap_or(Target::OtherCrate));
        }
        let all = found.imports.iter().filter(|import| import.name == "*");
        all.filter_map(|import| self.resolve(module, &import.path, depth + 1)).find_map(|target| match target {
            Target::Module(module) => self.look_up(module, name, depth + 1),
            // The variants of an enumeration cannot be told from names of other crates.
            Target::In(_) | Target::OtherCrate => None,
        })
    }
}

/// Paths of a piece of code, those within macros' arguments too.
#[derive(Default)]
struct Code {
    paths: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for Code {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        let mut imports = Vec::new();
        flatten(&import.tree, &[], &mut imports);
        self.paths.extend(imports.into_iter().map(|import| import.path));
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        visit::visit_macro(self, called);
        self.paths_of(called.tokens.clone());
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

impl Code {
    fn paths_of(&mut self, tokens: proc_macro2::TokenStream) {
        use proc_macro2::TokenTree;
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(part) if colons == 2 && !path.is_empty() => path.push(part.to_string()),
                TokenTree::Ident(part) => self.paths.extend(replaced(&mut path, vec![part.to_string()])),
                TokenTree::Punct(mark) if mark.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => {
                    self.paths.extend(replaced(&mut path, Vec::new()));
                    self.paths_of(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.paths.extend(replaced(&mut path, Vec::new())),
            }
            colons = 0;
        }
        self.paths.extend(replaced(&mut path, Vec::new()));
    }
}

fn replaced(path: &mut Vec<String>, by: Vec<String>) -> Option<Vec<String>> {
    Some(std::mem::replace(path, by)).filter(|before| !before.is_empty())
}

fn flatten(tree: &UseTree, before: &[String], into: &mut Vec<Import>) {
    let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
    match tree {
        UseTree::Path(path) => flatten(&path.tree, &with(path.ident.to_string()), into),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, into)),
        UseTree::Glob(_) => into.push(Import { name: "*".to_owned(), path: before.to_vec() }),
        UseTree::Rename(renamed) => {
            let path = if renamed.ident == "self" { before.to_vec() } else { with(renamed.ident.to_string()) };
            into.push(Import { name: renamed.rename.to_string(), path });
        }
        UseTree::Name(name) if name.ident == "self" => {
            into.extend(before.last().map(|last| Import { name: last.clone(), path: before.to_vec() }));
        }
        UseTree::Name(name) => {
            into.push(Import { name: name.ident.to_string(), path: with(name.ident.to_string()) });
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let is_test = |attribute: &Attribute| {
        let condition = attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default();
        attribute.path().is_ident("cfg") && condition.split(|c: char| !c.is_alphanumeric()).any(|word| word == "test")
    };
    attributes.iter().any(is_test)
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
