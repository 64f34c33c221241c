//! What is ours in the host's firewall, for `nft -f`: the table `inet bridgehead`, and the narrow rules in the chains
//! that would drop what our bridges carry.

use crate::{firewall::translation, step::Step};

use super::File;

const HEAD: &str = "\
#!/usr/sbin/nft -f
# What Bridgehead has in the firewall of this host. Load it once, behind the tables that it names: loaded again, it
# would insert the rules again.
";

/// From the steps that make the network where there is none of it.
pub fn write(steps: &[Step]) -> Vec<File> {
    let lines: String = steps.iter().filter_map(commands).collect();
    if lines.is_empty() { Vec::new() } else { vec![File::new("90-bridgehead.nft", HEAD.to_owned() + &lines)] }
}

fn commands(step: &Step) -> Option<String> {
    match step {
        Step::ReplaceTable { translations, .. } => Some(translation::script("inet", translations)),
        Step::InsertRule { rule } => Some(rule.insertion() + "\n"),
        _ => None,
    }
}
