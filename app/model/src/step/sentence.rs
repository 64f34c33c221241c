//! A step as a sentence for a person.

use crate::{
    Language, RpFilter,
    note::Sentence,
    observed::{Attachment, DhcpHost, DhcpRange},
};

use super::{Forwarded, GuestRoute, Step, TableEntry};

impl Step {
    pub fn sentence(&self, language: Language) -> String {
        let said = self.said();
        language.pick(said.en, said.zh)
    }

    /// The sentence in every language.
    pub fn said(&self) -> Sentence {
        match self {
            Self::CreateBridge { bridge } => {
                let name = &bridge.name;
                Sentence::new(format!("Make the bridge {name}"), format!("新建网桥 {name}"))
            }
            Self::DeleteBridge { bridge } => {
                let name = &bridge.name;
                Sentence::new(format!("Delete the bridge {name}"), format!("删除网桥 {name}"))
            }
            Self::SetLinkUp { link, up: true } => Sentence::new(format!("Switch {link} on"), format!("启用 {link}")),
            Self::SetLinkUp { link, up: false } => Sentence::new(format!("Switch {link} off"), format!("停用 {link}")),
            Self::SetLinkMtu { link, mtu, was } => Sentence::new(
                format!("Set the MTU of {link} from {was} to {mtu}"),
                format!("把 {link} 的 MTU 从 {was} 改为 {mtu}"),
            ),
            Self::SetBridgeStp { bridge, stp: true } => {
                Sentence::new(format!("Switch spanning tree on {bridge} on"), format!("在 {bridge} 上启用生成树"))
            }
            Self::SetBridgeStp { bridge, stp: false } => {
                Sentence::new(format!("Switch spanning tree on {bridge} off"), format!("在 {bridge} 上停用生成树"))
            }
            Self::SetMaster { link, master: Some(master), .. } => {
                Sentence::new(format!("Plug {link} into {master}"), format!("把 {link} 接到 {master}"))
            }
            Self::SetMaster { link, master: None, was } => {
                let was = was.as_deref().unwrap_or("…");
                Sentence::new(format!("Take {link} out of {was}"), format!("把 {link} 从 {was} 上拔下"))
            }
            Self::AddAddress { link, address } => Sentence::new(
                format!("Give the host {address} on {link}"),
                format!("为主机的 {link} 添加地址 {address}"),
            ),
            Self::RemoveAddress { link, address } => Sentence::new(
                format!("Take {address} on {link} from the host"),
                format!("从主机的 {link} 去掉地址 {address}"),
            ),
            Self::AddRoute { route } => Sentence::new(
                format!("Route {} by {}", route.destination, route.link),
                format!("把 {} 的路由指向 {}", route.destination, route.link),
            ),
            Self::RemoveRoute { route } => Sentence::new(
                format!("Stop routing {} by {}", route.destination, route.link),
                format!("去掉经 {} 到 {} 的路由", route.link, route.destination),
            ),
            Self::SetSysctl { name, value, was } => {
                Sentence::new(format!("Set {name} from {was} to {value}"), format!("把 {name} 从 {was} 改为 {value}"))
            }
            Self::WriteFile { path, text: Some(_), was: None } => Sentence::new(
                format!("Write {path}, for a start without Bridgehead"),
                format!("写入 {path}，供没有 Bridgehead 时启动使用"),
            ),
            Self::WriteFile { path, text: Some(_), was: Some(_) } => {
                Sentence::new(format!("Write {path} anew"), format!("重新写入 {path}"))
            }
            Self::WriteFile { path, text: None, .. } => Sentence::new(format!("Remove {path}"), format!("删除 {path}")),
            Self::ReplaceTable { translations, .. } => translate("the host", "主机", translations),
            Self::InsertRule { rule } => {
                let (from, to, chain) = (&rule.in_link, &rule.out_link, &rule.chain);
                if let Some(Forwarded { protocol, to: target }) = rule.to {
                    let (address, port) = (target.ip(), target.port());
                    Sentence::new(
                        format!(
                            "Let {protocol} port {port} of {address} be reached by {to}: one accept rule at the head of {chain}"
                        ),
                        format!("允许经 {to} 访问 {address} 的 {protocol} 端口 {port}：在 {chain} 链首加一条放行规则"),
                    )
                } else if rule.lets_ports_talk() {
                    Sentence::new(
                        format!("Let the ports of {from} talk to each other: one accept rule at the head of {chain}"),
                        format!("允许 {from} 的端口互相通信：在 {chain} 链首加一条放行规则"),
                    )
                } else if rule.established {
                    Sentence::new(
                        format!("Let replies pass from {from} to {to}: one accept rule at the head of {chain}"),
                        format!("放行从 {from} 回到 {to} 的应答：在 {chain} 链首加一条放行规则"),
                    )
                } else {
                    Sentence::new(
                        format!("Let traffic pass from {from} to {to}: one accept rule at the head of {chain}"),
                        format!("放行从 {from} 到 {to} 的流量：在 {chain} 链首加一条放行规则"),
                    )
                }
            }
            Self::DeleteRule { rule } => {
                let (from, to, chain) = (&rule.in_link, &rule.out_link, &rule.chain);
                if let Some(Forwarded { protocol, to }) = rule.to {
                    let (address, port) = (to.ip(), to.port());
                    return Sentence::new(
                        format!("Remove our accept rule for {protocol} port {port} of {address} from {chain}"),
                        format!("从 {chain} 删除我们为 {address} 的 {protocol} 端口 {port} 加的放行规则"),
                    );
                }
                Sentence::new(
                    format!("Remove our accept rule for {from} to {to} from {chain}"),
                    format!("从 {chain} 删除我们为 {from} 到 {to} 加的放行规则"),
                )
            }
            Self::AttachNic { guest, nic, live, config } => {
                let (mac, (en, zh)) = (nic.mac, place(&nic.attachment));
                let (when, when_zh) = when(*live, *config);
                Sentence::new(
                    format!("Plug a NIC of {guest} ({mac}) into {en}{when}"),
                    format!("把 {guest} 的网卡（{mac}）接到{zh}{when_zh}"),
                )
            }
            Self::DetachNic { guest, nic, live, config } => {
                let (mac, (en, zh)) = (nic.mac, place(&nic.attachment));
                let (when, when_zh) = when(*live, *config);
                Sentence::new(
                    format!("Unplug the NIC {mac} of {guest} from {en}{when}"),
                    format!("把 {guest} 的网卡 {mac} 从{zh} 拔下{when_zh}"),
                )
            }
            Self::UpdateNic { guest, nic, was, live, config } => {
                let (mac, (en, zh), (from, from_zh)) = (nic.mac, place(&nic.attachment), place(&was.attachment));
                let (when, when_zh) = when(*live, *config);
                match (nic.attachment == was.attachment, nic.link_up) {
                    (false, _) => Sentence::new(
                        format!("Move the NIC {mac} of {guest} from {from} to {en}{when}"),
                        format!("把 {guest} 的网卡 {mac} 从{from_zh} 移到{zh}{when_zh}"),
                    ),
                    (true, true) => Sentence::new(
                        format!("Put the cable of {guest}'s NIC {mac} in{when}"),
                        format!("插上 {guest} 网卡 {mac} 的网线{when_zh}"),
                    ),
                    (true, false) => Sentence::new(
                        format!("Pull the cable of {guest}'s NIC {mac}{when}"),
                        format!("拔掉 {guest} 网卡 {mac} 的网线{when_zh}"),
                    ),
                }
            }
            Self::AttachChannel { guest, live, config } => {
                let (when, when_zh) = when(*live, *config);
                Sentence::new(
                    format!("Give {guest} the channel of the guest agent{when}"),
                    format!("为 {guest} 添加 guest agent 通道{when_zh}"),
                )
            }
            Self::DetachChannel { guest, live, config } => {
                let (when, when_zh) = when(*live, *config);
                Sentence::new(
                    format!("Take the channel of the guest agent from {guest}{when}"),
                    format!("从 {guest} 移除 guest agent 通道{when_zh}"),
                )
            }
            Self::SetGuestAutostart { guest: name, on } | Self::SetNetworkAutostart { network: name, on } => {
                if *on {
                    Sentence::new(format!("Start {name} with the host"), format!("让 {name} 随主机启动"))
                } else {
                    Sentence::new(format!("No longer start {name} with the host"), format!("不再让 {name} 随主机启动"))
                }
            }
            Self::DefineNetwork { network } => {
                let (name, given) = (&network.name, given(&network.ranges));
                let (router, router_zh) = network.router().map_or_else(Default::default, |router| {
                    (format!(", with {router} as router"), format!("，路由器为 {router}"))
                });
                Sentence::new(
                    format!("Have libvirt keep {name}, and give {given} on it{router}"),
                    format!("让 libvirt 保管 {name} 并在其上分配 {given}{router_zh}"),
                )
            }
            Self::UndefineNetwork { network } => {
                let name = &network.name;
                Sentence::new(
                    format!("Have libvirt no longer keep {name}, nor give addresses on it"),
                    format!("不再让 libvirt 保管 {name} 和在其上分配地址"),
                )
            }
            Self::StartNetwork { network } => {
                let (name, address) = (&network.name, network.address);
                Sentence::new(
                    format!("Have libvirt make the bridge {name} with {address}, and give addresses on it"),
                    format!("让 libvirt 以 {address} 新建网桥 {name}，并开始分配地址"),
                )
            }
            Self::StopNetwork { network } => {
                let name = &network.name;
                Sentence::new(
                    format!("Have libvirt stop giving addresses on {name}, and delete that bridge"),
                    format!("让 libvirt 停止在 {name} 上分配地址，并删除该网桥"),
                )
            }
            Self::SetDhcpRanges { network, ranges, was, .. } => {
                let (new, old) = (given(ranges), given(was));
                Sentence::new(
                    format!("Give {new} on {network} instead of {old}"),
                    format!("在 {network} 上改为分配 {new}（原为 {old}）"),
                )
            }
            Self::SetLease { network, lease: Some(lease), was, .. } => give(network, lease, was.as_ref()),
            Self::SetLease { network, lease: None, was, .. } => {
                let (mac, address) = (was.as_ref().map(mac).unwrap_or_default(), was.as_ref().map(|was| was.address));
                let address = address.map_or_else(|| "…".to_owned(), |address| address.to_string());
                Sentence::new(
                    format!("Remove the static lease of {address} to {mac} from the network {network}"),
                    format!("从虚拟网络 {network} 删除 {mac} 的静态租约 {address}"),
                )
            }
            Self::SetMarks { guest, marks, .. } if marks.is_empty() => Sentence::new(
                format!("Forget what was noted about {guest}: all is as it was"),
                format!("清除对 {guest} 的记录：一切已恢复原样"),
            ),
            Self::SetMarks { guest, .. } => Sentence::new(
                format!("Note in {guest}'s definition what is ours and what was before"),
                format!("在 {guest} 的定义中记下哪些归我们、原来是什么样"),
            ),
            Self::SetGuestLinkUp { guest, mac, up: true } => {
                Sentence::new(format!("In {guest}, switch the NIC {mac} on"), format!("在 {guest} 内启用网卡 {mac}"))
            }
            Self::SetGuestLinkUp { guest, mac, up: false } => {
                Sentence::new(format!("In {guest}, switch the NIC {mac} off"), format!("在 {guest} 内停用网卡 {mac}"))
            }
            Self::AddGuestAddress { guest, mac, address } => Sentence::new(
                format!("In {guest}, give the NIC {mac} the address {address}"),
                format!("在 {guest} 内为网卡 {mac} 添加地址 {address}"),
            ),
            Self::RemoveGuestAddress { guest, mac, address } => Sentence::new(
                format!("In {guest}, take the address {address} off the NIC {mac}"),
                format!("在 {guest} 内从网卡 {mac} 去掉地址 {address}"),
            ),
            Self::SetGuestMtu { guest, mac, mtu, .. } => Sentence::new(
                format!("In {guest}, set the MTU of the NIC {mac} to {mtu}"),
                format!("在 {guest} 内把网卡 {mac} 的 MTU 设为 {mtu}"),
            ),
            Self::SetGuestFilter { guest, mac, mode, .. } => {
                let (en, zh) = match mode {
                    RpFilter::Off => ("take any source", "不校验源地址"),
                    RpFilter::Strict => ("take only sources that are answered by the same NIC", "严格校验源地址"),
                    RpFilter::Loose => ("take only sources that some NIC can answer", "宽松校验源地址"),
                };
                Sentence::new(
                    format!("In {guest}, let the NIC {mac} {en} (rp_filter {mode})"),
                    format!("在 {guest} 内让网卡 {mac} {zh}（rp_filter {mode}）"),
                )
            }
            Self::SetGuestDhcp { guest, mac, on: true, client, .. } => Sentence::new(
                format!("In {guest}, have {client} get the NIC {mac} an address by DHCP"),
                format!("在 {guest} 内让 {client} 通过 DHCP 为网卡 {mac} 获取地址"),
            ),
            Self::SetGuestDhcp { guest, mac, on: false, client, .. } => Sentence::new(
                format!("In {guest}, end DHCP on the NIC {mac} ({client})"),
                format!("在 {guest} 内停止网卡 {mac} 的 DHCP（{client}）"),
            ),
            Self::SetGuestAcceptRa { guest, mac, mode: 0, .. } => Sentence::new(
                format!("In {guest}, let the NIC {mac} take no router advertisements"),
                format!("在 {guest} 内让网卡 {mac} 不接受路由器通告"),
            ),
            Self::SetGuestAcceptRa { guest, mac, .. } => Sentence::new(
                format!("In {guest}, let the NIC {mac} take router advertisements"),
                format!("在 {guest} 内让网卡 {mac} 接受路由器通告"),
            ),
            Self::AddGuestRoute { guest, route: GuestRoute { to: Some(to), via, .. } } => Sentence::new(
                format!("In {guest}, reach {to} by way of {via}"),
                format!("在 {guest} 内经 {via} 到达 {to}"),
            ),
            Self::RemoveGuestRoute { guest, route: GuestRoute { to: Some(to), via, .. } } => Sentence::new(
                format!("In {guest}, remove the route to {to} by way of {via}"),
                format!("在 {guest} 内删除经 {via} 到 {to} 的路由"),
            ),
            Self::AddGuestRoute { guest, route } => {
                let via = route.via;
                Sentence::new(
                    format!("In {guest}, make {via} the default gateway"),
                    format!("在 {guest} 内把默认网关设为 {via}"),
                )
            }
            Self::RemoveGuestRoute { guest, route } => {
                let via = route.via;
                Sentence::new(
                    format!("In {guest}, remove the default route by way of {via}"),
                    format!("在 {guest} 内删除经 {via} 的默认路由"),
                )
            }
            Self::SetGuestForwarding { guest, on: true } => Sentence::new(
                format!("In {guest}, forward packets from one NIC to another"),
                format!("在 {guest} 内开启转发（ip_forward）"),
            ),
            Self::SetGuestForwarding { guest, on: false } => Sentence::new(
                format!("In {guest}, stop forwarding packets"),
                format!("在 {guest} 内关闭转发（ip_forward）"),
            ),
            Self::ReplaceGuestTable { guest, translations, .. } => {
                translate(guest, &format!(" {guest} "), translations)
            }
            Self::ReplaceGuestFiles { guest, files, .. } if files.is_empty() => {
                Sentence::new(format!("In {guest}, remove the files of ours"), format!("在 {guest} 内删除我们的文件"))
            }
            Self::ReplaceGuestFiles { guest, managers, .. } => {
                let names = managers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                Sentence::new(
                    format!("In {guest}, write it down for the next start ({names})"),
                    format!("在 {guest} 内写成文件，下次启动后依然有效（{names}）"),
                )
            }
            Self::SetGuestDns { guest, servers: Some(servers), .. } => {
                let servers = servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                Sentence::new(
                    format!("In {guest}, set the name servers to {servers}"),
                    format!("在 {guest} 内把 DNS 服务器设为 {servers}"),
                )
            }
            Self::SetGuestDns { guest, servers: None, .. } => Sentence::new(
                format!("In {guest}, give back the name servers that were there before"),
                format!("在 {guest} 内恢复原来的 DNS 服务器"),
            ),
            Self::SetGuestHostname { guest, hostname, was } if hostname.name == was.name => {
                let name = &hostname.name;
                Sentence::new(
                    format!("In {guest}, write the hostname down for the next start, with {name} as it is now"),
                    format!("在 {guest} 内写好下次启动的主机名，当前主机名 {name} 不变"),
                )
            }
            Self::SetGuestHostname { guest, hostname, was } => {
                let (name, was) = (&hostname.name, &was.name);
                Sentence::new(
                    format!("In {guest}, set the hostname from {was} to {name}"),
                    format!("在 {guest} 内把主机名从 {was} 改为 {name}"),
                )
            }
        }
    }
}

fn given(ranges: &[DhcpRange]) -> String {
    let each = ranges.iter().map(|range| format!("{} – {}", range.start, range.end));
    Vec::from_iter(each).join(", ")
}

fn give(network: &str, lease: &DhcpHost, was: Option<&DhcpHost>) -> Sentence {
    let (mac, address) = (mac(lease), lease.address);
    let moved = was.filter(|was| was.address != address).map(|was| was.address);
    let instead = moved.map(|was| format!(" instead of {was}")).unwrap_or_default();
    let instead_zh = moved.map(|was| format!("（原为 {was}）")).unwrap_or_default();
    let name = lease.name.as_ref().map(|name| format!(", and the name {name}")).unwrap_or_default();
    let name_zh = lease.name.as_ref().map(|name| format!("，主机名 {name}")).unwrap_or_default();
    Sentence::new(
        format!("Have the network {network} always give {mac} the address {address}{instead}{name}"),
        format!("让虚拟网络 {network} 总是给 {mac} 分配地址 {address}{instead_zh}{name_zh}"),
    )
}

fn mac(lease: &DhcpHost) -> String {
    lease.mac.map(|mac| mac.to_string()).unwrap_or_default()
}

fn translate(who: &str, who_zh: &str, entries: &[TableEntry]) -> Sentence {
    if entries.is_empty() {
        return Sentence::new(
            format!("Remove our translation table from {who}"),
            format!("删除{who_zh}上我们的地址转换表"),
        );
    }
    let translated = |unknown: &str, port: &str| {
        let said = entries.iter().filter_map(|entry| match entry {
            TableEntry::Source(source) => {
                let to = source.to.map_or_else(|| unknown.to_owned(), |address| address.to_string());
                Some(format!("{} → {to}", source.subnet))
            }
            TableEntry::Destination(asked) => Some(format!("{} {port} {} → {}", asked.protocol, asked.port, asked.to)),
            TableEntry::Hairpin { .. } | TableEntry::Accept { .. } | TableEntry::Reject { .. } => None,
        });
        said.collect::<Vec<_>>().join(", ")
    };
    let (mut en, mut zh) = (Vec::new(), Vec::new());
    if !entries.iter().all(TableEntry::limits) {
        en.push(format!("translate {}", translated("its address outside", "port")));
        zh.push(format!("做地址转换 {}", translated("其外网地址", "端口")));
    }
    for entry in entries {
        let TableEntry::Reject { reject: subnet, .. } = entry else { continue };
        let reached = entries.iter().filter_map(|entry| match entry {
            TableEntry::Accept { accept, from } if from == subnet => Some(accept.to_string()),
            _ => None,
        });
        let reached = reached.collect::<Vec<_>>().join(", ");
        if reached.is_empty() {
            en.push(format!("let {subnet} reach nothing outside"));
            zh.push(format!("不允许 {subnet} 访问外部"));
        } else {
            en.push(format!("let {subnet} reach only {reached}"));
            zh.push(format!("只允许 {subnet} 访问 {reached}"));
        }
    }
    Sentence::new(format!("On {who}, {}", en.join("; ")), format!("在{who_zh}上{}", zh.join("；")))
}

/// What a NIC is plugged into, in English and Chinese.
fn place(attachment: &Attachment) -> (String, String) {
    match attachment {
        Attachment::Network { network } => (format!("the network {network}"), format!("虚拟网络 {network}")),
        Attachment::Bridge { bridge } => (bridge.clone(), format!(" {bridge}")),
        Attachment::Direct { dev, .. } => (dev.clone(), format!(" {dev}")),
        Attachment::Other { kind } => (kind.clone(), format!(" {kind}")),
    }
}

fn when(live: bool, config: bool) -> (&'static str, &'static str) {
    match (live, config) {
        (true, true) => ("", ""),
        (true, false) => (", until it is shut down", "（关机后失效）"),
        (false, _) => (", from its next start", "（下次启动生效）"),
    }
}
