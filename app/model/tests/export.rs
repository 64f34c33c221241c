//! Exports, golden in the folders of [`golden`](../golden.rs) that have an `export.txt`: every format of the case's draft.

mod world;

use std::{
    fmt::Write,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use model::{
    Cluster, Observed,
    export::{self, Export, Format},
    observed::{Attachment, Marks, NicMark},
    plan::plan,
    wire::Sealed,
};
use world::{lab, mac};

struct Case {
    folder: PathBuf,
    observed: Observed,
    committed: Cluster,
    draft: Cluster,
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let text = |name: &str| fs::read_to_string(folder.join(name)).expect("a file of the case");
        let document = |name: &str| Cluster::from_toml(&text(name)).expect("a document");
        let observed = serde_json::from_str(&text("observed.json")).expect("an observation");
        let (committed, draft) = (document("committed.toml"), document("draft.toml"));
        Self { folder, observed, committed, draft }
    }

    fn export(&self, format: Format) -> Export {
        export::draft(&self.observed, &self.committed, &self.draft, format).expect("an export")
    }
}

fn cases() -> Vec<Case> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<_> =
        fs::read_dir(cases).expect("the cases").map(|entry| entry.expect("a case").path()).collect();
    folders.retain(|folder| folder.join("export.txt").exists());
    folders.sort();
    assert!(!folders.is_empty());
    folders.into_iter().map(Case::read).collect()
}

#[test]
fn every_case_gives_its_exports() {
    for case in cases() {
        let mut now = String::new();
        for format in Format::ALL {
            for file in case.export(format).files {
                let _ = writeln!(now, "==> {format}: {} <==\n{}", file.path, file.text);
            }
        }
        let golden = case.folder.join("export.txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&golden, &now).expect("export.txt is written");
        }
        assert_eq!(fs::read_to_string(&golden).expect("export.txt"), now, "{}", golden.display());
    }
}

/// Exporting a network that is there says what exporting its draft said where there was nothing.
#[test]
fn what_is_there_is_exported_as_if_it_were_not() {
    for case in cases().iter().filter(|case| case.committed.is_empty()) {
        let mut built = case.observed.clone();
        for step in plan(&built, &case.committed, &case.draft).steps {
            step.simulate(&mut built);
        }
        for format in Format::ALL {
            let there = export::network(&built, &case.draft, format).expect("an export");
            assert_eq!(there, case.export(format), "{} {format}", case.folder.display());
        }
    }
}

#[test]
fn an_empty_document_has_nothing_but_itself() {
    let observed = lab(&["master"]);
    for format in Format::ALL {
        let export = export::network(&observed, &Cluster::default(), format).expect("an export");
        assert_eq!(export.files.len(), usize::from(format == Format::Document), "{format}");
    }
}

#[test]
fn what_cannot_be_planned_has_no_script() {
    let draft = Cluster::from_toml("[[nic]]\nguest = \"nobody\"\nmac = \"52:54:00:48:00:10\"\nnetwork = \"default\"\n");
    let refused = export::draft(&lab(&["master"]), &Cluster::default(), &draft.expect("a document"), Format::Shell);
    assert!(refused.expect_err("notes").iter().any(|note| note.code == "unknown-guest"));
}

#[test]
fn a_seed_is_another_instance_only_if_it_says_something_else() {
    let observed = lab(&["master"]);
    let seed = |document: &str, key: &str| {
        let cluster = Cluster::from_toml(document).expect("a document");
        let files = export::cloud_init(&observed, &cluster, Some("master"), key).files;
        let text = |name: &str| files.iter().find(|file| file.path.ends_with(name)).expect("a file").text.clone();
        (text("meta-data"), text("user-data"), text("network-config"))
    };
    let (meta, user, network) = seed("", "restrict ssh-ed25519 A \"b\"");
    assert!(meta.contains("local-hostname: \"master\"\n"), "{meta}");
    assert!(user.starts_with("#cloud-config\n") && user.contains(r#"  - "restrict ssh-ed25519 A \"b\"""#), "{user}");
    assert!(network.contains(&format!("macaddress: \"{}\"", mac(0))) && network.contains("dhcp4: true"), "{network}");
    assert_eq!(seed("", "restrict ssh-ed25519 A \"b\"").0, meta);
    assert!(!seed("", "").1.contains("ssh_authorized_keys"));
    let document = format!(
        "[[nic]]\nguest = \"master\"\nmac = \"{}\"\nnetwork = \"default\"\naddress = \"10.0.0.7/24\"\n",
        mac(0)
    );
    let (another, _, network) = seed(&document, "restrict ssh-ed25519 A \"b\"");
    assert_ne!(another, meta);
    assert!(network.contains("\"10.0.0.7/24\"") && !network.contains("dhcp4"), "{network}");
}

/// What a shell does with a script when `virsh` prints its arguments, each in `<>`, and `ip` and `nft` do nothing.
fn run(script: &str) -> String {
    let stubs = "virsh() { printf '<%s>' \"$@\"; echo; }\nip() { :; }\nnft() { :; }\ninside() { :; }\n";
    let script = script.replace("\ninside() {", "\nreal_inside() {");
    let mut shell = Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
    shell.stdin.take().expect("a pipe").write_all(format!("{stubs}{script}").as_bytes()).expect("a script is read");
    let output = shell.wait_with_output().expect("an end");
    assert!(output.status.success(), "{script}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_hostile_name_stays_one_word() {
    let hostile = "it's \"$(echo hit)\" `echo hit` \\ & |\n; echo hit #";
    let mut observed = lab(&["master"]);
    let domain = observed.domains.get_mut("master").expect("master");
    domain.nics.clear();
    let found = NicMark::Found {
        attachment: Attachment::Network { network: hostile.to_owned() },
        model: Some(hostile.to_owned()),
        link_up: true,
        mtu: None,
        addresses: Vec::new(),
    };
    domain.marks = Sealed::of(&Marks { nics: [(mac(0), found)].into(), ..Marks::default() });
    let out = "[[nic]]\nguest = \"master\"\nmac = \"52:54:00:7a:00:00\"\nnetwork = \"default\"\nplugged = false\n";
    let committed = Cluster::from_toml(out).expect("a document");
    let export = export::draft(&observed, &committed, &Cluster::default(), Format::Shell).expect("an export");
    let said = run(&export.files[0].text);
    assert!(said.contains(&format!("<network><{hostile}><--mac>")), "{said}");
    assert!(said.contains(&format!("<--model><{hostile}><--live>")), "{said}");
}
