//! Every text of the user interface, in both languages side by side. Texts with `{}` are filled by [`fill`].
//!
//! These are needed to show the picture; those of [the second module](crate::later) come with it, in [`later`].

use leptos::prelude::use_context;
use model::Language;

macro_rules! texts {
    ($of:ident: $type:ty = $in_english:expr, $in_chinese:expr; $($key:ident: $english:literal, $chinese:literal;)*) => {
        /// One language's texts. A text that one language lacks does not compile.
        pub struct Texts {
            pub $of: $type,
            $(pub $key: &'static str,)*
        }

        static ENGLISH: Texts = Texts { $of: $in_english, $($key: $english,)* };
        static CHINESE: Texts = Texts { $of: $in_chinese, $($key: $chinese,)* };

        impl Texts {
            pub fn of(language: Language) -> &'static Self {
                language.pick(&ENGLISH, &CHINESE)
            }
        }
    };
}

pub mod later;

texts! {
    language: Language = Language::English, Language::Chinese;

    // Header
    live: "live", "实时";
    connecting: "connecting", "正在连接";
    stale: "stale since {}", "自 {} 起未更新";
    offline: "offline since {}", "自 {} 起离线";
    find: "Find a guest, NIC, address…", "查找虚拟机、网卡、地址…";
    finding_one: "1 finding", "1 项发现";
    findings: "{} findings", "{} 项发现";
    no_findings: "no findings", "没有发现问题";
    other_language: "中文", "English";
    switch_language: "Switch to Chinese", "切换到英文";
    theme: "Switch between light and dark", "切换浅色与深色";
    new_bridge: "New bridge", "新建网桥";
    logout: "Log out", "退出";
    export: "Export…", "导出…";
    fetching: "Loading…", "正在加载…";
    fetch_failed: "The rest of Bridgehead could not be loaded. Trying again.", "未能加载 Bridgehead 的其余部分，正在重试。";
    skip: "Skip to the outline", "跳到大纲";

    // Picture
    picture: "Picture of the network", "网络图";
    outline: "Outline", "大纲";
    show_picture: "Picture", "网络图";
    outside: "Outside", "外部";
    host: "Host", "主机";
    bridge: "Bridge", "网桥";
    gateway: "Gateway", "网关";
    guests: "Guests", "虚拟机";
    you_are_here: "you are here, by {}", "您经由 {} 连接到此";
    you_are_here_local: "you are here, on this machine", "您就在这台主机上";
    host_of_guests: "host", "主机";
    no_signal: "no signal", "无信号";
    down: "down", "未启用";
    port_of: "port of {}", "{} 的端口";
    default_via: "default via {}", "默认路由经 {}";
    routing: "Routing", "路由转发";
    on: "on", "开";
    off: "off", "关";
    nat_libvirt: "NAT, libvirt’s", "NAT（libvirt）";
    nat_ours: "NAT, ours", "NAT（本系统）";
    forward_chain: "FORWARD", "FORWARD 链";
    drops: "drops by default", "默认丢弃";
    accepts: "accepts by default", "默认放行";
    let_through: "let through, ours", "已放行（本系统）";
    let_through_draft: "draft: let through", "草稿：放行";
    let_through_going: "draft: no longer", "草稿：不再放行";
    more_links: "{} more links", "另有 {} 个接口";
    running: "running", "运行中";
    paused: "paused", "已暂停";
    shut_off: "off", "已关机";
    crashed: "crashed", "已崩溃";
    suspended: "suspended", "已挂起";
    agent_answers: "agent answers", "代理有应答";
    agent_silent: "agent does not answer", "代理无应答";
    no_agent: "no agent", "无代理";
    new_nic: "new NIC", "新网卡";
    nic: "NIC", "网卡";
    from_lease: "from a lease", "来自租约";
    draft_not_real: "draft: not real yet", "草稿：尚未生效";
    draft_going: "draft: will be unplugged", "草稿：将被拔除";
    draft_moves: "draft: moves to {}", "草稿：移到 {}";
    cable_out: "cable is out", "网线已拔出";
    no_address: "no address", "无地址";
    unplugged: "unplugged", "未插接";
    not_in_machine: "from the next start", "下次启动时";
    gateway_of: "NAT gateway of {}", "{} 的 NAT 网关";
    routes_for: "Routes for {}", "为 {} 路由";
    gateway_draft: "Draft: NAT gateway of {}", "草稿：{} 的 NAT 网关";
    gateway_going: "Draft: no longer for {}", "草稿：不再是 {} 的网关";
    masquerade: "masquerade", "地址伪装";
    dhcp_of: "DHCP · libvirt “{}”", "DHCP · libvirt“{}”";
    libvirt_network: "libvirt “{}”", "libvirt“{}”";
    network_idle: "“{}” is not started", "“{}”未启动";
    made_by_us: "made by Bridgehead", "由 Bridgehead 创建";
    not_ours: "not ours", "非本系统创建";
    draft_bridge: "draft: not real yet", "草稿：尚未生效";
    bridge_going: "draft: will be deleted", "草稿：将被删除";
    other_ports: "{} other ports", "另外 {} 个端口";
    other_port: "another port", "另一个端口";
    guests_on: "{} guests", "{} 台虚拟机";
    guests_loose: "plugged nowhere", "未接入网桥";
    of_them_running: "{} running", "{} 台运行中";
    open_group: "Show the guests", "展开虚拟机";
    close_group: "Hide the guests", "收起虚拟机";
    add_nic_to: "Add a NIC to {}", "为 {} 添加网卡";
    drag_me: "Drag to a bridge, or press", "拖到网桥上，或点击";
    fit: "Fit", "适应";
    zoom_in: "Zoom in", "放大";
    zoom_out: "Zoom out", "缩小";
    hidden_guests: "{} guests do not match", "{} 台虚拟机不匹配";
    keys: "find / · outline O · plan P · reach W", "查找 / · 大纲 O · 计划 P · 可达 W";
    empty_title: "No guests yet", "还没有虚拟机";
    empty_text: "Every virtual machine that libvirt knows appears here by itself. Make one with virt-install, or start one: virsh start NAME.", "libvirt 管理的每台虚拟机都会自动出现在这里。可用 virt-install 创建，或用 virsh start 名称 启动。";
    drop_here: "let go: plug into {}", "松开：接入 {}";
    drop_gateway: "let go: make {} the gateway", "松开：将 {} 设为网关";
    source_silent: "{} does not answer: {}", "{} 无应答：{}";

    // Origins of facts
    lease_until: "lease until {}", "租约至 {}";
    said_by_agent: "said by the guest", "由虚拟机报告";
    seen_on_wire: "seen on the wire", "在线路上观察到";
    reserved: "reserved", "已保留";

    // Drawer and tray
    details: "Details", "详情";
    close: "Close", "关闭";
    draft: "Draft", "草稿";
    plan: "Plan", "计划";
    history: "History", "历史";
    other_draft: "1 other draft", "另有 1 份草稿";
    other_drafts: "{} other drafts", "另有 {} 份草稿";

    // Login
    login_text: "Bridgehead shows and changes the network of this host. Its log-in URL is printed where it was started.", "Bridgehead 显示并更改本机网络。登录链接显示在启动它的终端中。";
    token: "Token", "令牌";
    login: "Log in", "登录";
}

/// The texts of the page's language.
pub fn texts() -> &'static Texts {
    use_context::<&'static Texts>().unwrap_or(&ENGLISH)
}

/// Puts values where `{}` (in order) or `{0}`, `{1}` (by place) stand. Values are text, never markup.
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(text.len() + 24);
    let mut rest = text;
    let mut next = 0;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let Some(close) = rest[open..].find('}') else { break };
        let place = rest[open + 1..open + close].parse().unwrap_or(next);
        next += 1;
        out.push_str(values.get(place).copied().unwrap_or_default());
        rest = &rest[open + close + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn fills_in_order_and_by_place() {
        assert_eq!(fill("a {} b {}", &["1", "2"]), "a 1 b 2");
        assert_eq!(fill("{1} then {0}", &["1", "2"]), "2 then 1");
        assert_eq!(fill("{}", &["{}"]), "{}");
        assert_eq!(fill("plain", &[]), "plain");
    }
}
