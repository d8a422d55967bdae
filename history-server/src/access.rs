//! Who may see which application: the ACLs that its log carries, and the server's own administrators.
//!
//! The rules are those of Spark's `SecurityManager`: whoever ran an application may see it, and whom its view and admin
//! ACLs or groups name; `*` is everyone. Where ACLs are off, everybody may see everything. Where they are on, nobody who
//! is not named may see anything that is not open to `*`, unless the configuration says otherwise.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

/// Whether and how access is checked.
#[derive(Clone, Debug, Default)]
pub struct AccessConfig {
    /// Check at all (`spark.history.ui.acls.enable`).
    pub enabled: bool,
    /// Users who may see everything (`spark.history.ui.admin.acls`).
    pub admins: Vec<String>,
    /// Groups whose members may see everything (`spark.history.ui.admin.acls.groups`).
    pub admin_groups: Vec<String>,
    /// Let requests pass that name no user, as Spark does. Right only where nobody can go around what names the user.
    pub allow_unnamed: bool,
    /// The groups of each user, for ACLs that name groups.
    pub groups_of_users: HashMap<String, Vec<String>>,
}

/// Who may see an application, in the words of its Spark properties: comma lists, `*` for everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, serde::Serialize)]
#[serde(default)]
pub(crate) struct Acls {
    #[serde(rename = "spark.ui.view.acls")]
    pub(crate) view: String,
    #[serde(rename = "spark.ui.view.acls.groups")]
    pub(crate) view_groups: String,
    #[serde(rename = "spark.admin.acls")]
    pub(crate) admin: String,
    #[serde(rename = "spark.admin.acls.groups")]
    pub(crate) admin_groups: String,
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Viewer {
    /// The user's name, as whatever stands in front of this server says it; `None` when it says nothing.
    pub user: Option<String>,
    /// Groups that came with the name.
    pub groups: Vec<String>,
}

impl Viewer {
    /// A user by name.
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self { user: Some(name.to_owned()), groups: Vec::new() }
    }
}

impl AccessConfig {
    /// Whether `viewer` may see an application that `owner` ran with these ACLs.
    pub(crate) fn allows(&self, viewer: &Viewer, owner: &str, acls: &Acls) -> bool {
        if !self.enabled {
            return true;
        }
        let admins = || self.admins.iter().map(String::as_str);
        let users: HashSet<&str> = admins().chain(names(&acls.admin)).chain(names(&acls.view)).chain([owner]).collect();
        let Some(user) = viewer.user.as_deref().filter(|user| !user.is_empty()) else {
            return self.allow_unnamed || users.contains("*");
        };
        if users.contains(user) || users.contains("*") {
            return true;
        }
        let admin_groups = self.admin_groups.iter().map(String::as_str);
        let groups: HashSet<&str> =
            admin_groups.chain(names(&acls.admin_groups)).chain(names(&acls.view_groups)).collect();
        let known = self.groups_of_users.get(user).into_iter().flatten();
        groups.contains("*") || viewer.groups.iter().chain(known).any(|group| groups.contains(group.as_str()))
    }
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on() -> AccessConfig {
        AccessConfig { enabled: true, admins: vec!["root".into()], ..AccessConfig::default() }
    }

    #[test]
    fn owner_viewers_and_admins_may_see() {
        let acls = Acls { view: "ann, bob".into(), admin: "cid".into(), ..Acls::default() };
        for user in ["eve", "ann", "bob", "cid", "root"] {
            assert!(on().allows(&Viewer::user(user), "eve", &acls), "{user}");
        }
        assert!(!on().allows(&Viewer::user("mallory"), "eve", &acls));
        assert!(!on().allows(&Viewer::default(), "eve", &acls));
        assert!(AccessConfig::default().allows(&Viewer::default(), "eve", &acls));
    }

    #[test]
    fn groups_and_stars_open_too() {
        let acls = Acls { view_groups: "team".into(), ..Acls::default() };
        let member = Viewer { user: Some("ann".into()), groups: vec!["team".into()] };
        assert!(on().allows(&member, "eve", &acls));
        assert!(!on().allows(&Viewer::user("ann"), "eve", &acls));
        let mut config = on();
        config.groups_of_users.insert("ann".into(), vec!["team".into()]);
        assert!(config.allows(&Viewer::user("ann"), "eve", &acls));
        let open = Acls { view: "*".into(), ..Acls::default() };
        assert!(on().allows(&Viewer::default(), "eve", &open));
    }
}
