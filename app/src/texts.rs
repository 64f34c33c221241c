//! Every text of the user interface, in both languages side by side. Texts with `{}` are filled by [`fill`].

use leptos::prelude::use_context;
use model::Language;

macro_rules! texts {
    ($($key:ident: $english:literal, $chinese:literal;)*) => {
        /// One language's texts. A text that one language lacks does not compile.
        pub struct Texts {
            pub language: Language,
            $(pub $key: &'static str,)*
        }

        static ENGLISH: Texts = Texts { language: Language::English, $($key: $english,)* };
        static CHINESE: Texts = Texts { language: Language::Chinese, $($key: $chinese,)* };
    };
}

texts! {
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
    keys: "find / · outline O · plan P", "查找 / · 大纲 O · 计划 P";
    empty_title: "No guests yet", "还没有虚拟机";
    empty_text: "Every virtual machine that libvirt knows appears here by itself. Make one with virt-install, or start one: virsh start NAME.", "libvirt 管理的每台虚拟机都会自动出现在这里。可用 virt-install 创建，或用 virsh start 名称 启动。";
    drop_here: "let go: plug into {}", "松开：接入 {}";
    drop_gateway: "let go: make {} the gateway", "松开：将 {} 设为网关";
    source_silent: "{} does not answer: {}", "{} 无应答：{}";

    // Drawer
    details: "Details", "详情";
    close: "Close", "关闭";
    gone: "This object is no longer there.", "该对象已不存在。";
    nics: "NICs", "网卡";
    routes: "Routes", "路由";
    nat: "NAT", "NAT";
    ports: "Ports", "端口";
    fdb: "FDB", "FDB";
    rules: "Rules", "规则";
    sysctls: "Settings", "内核参数";
    leases: "Leases", "租约";
    overview: "Overview", "概览";
    guest: "guest", "虚拟机";
    add_nic: "Add a NIC", "添加网卡";
    move_nic: "Move…", "移动…";
    unplug: "Unplug", "拔除";
    keep: "Keep it plugged in", "保留";
    pull_cable: "Pull the cable", "拔出网线";
    push_cable: "Plug the cable in", "插入网线";
    set_address: "Address…", "地址…";
    make_gateway: "Make it a gateway…", "设为网关…";
    gateway_menu: "Gateway…", "网关…";
    remove_gateway: "Remove the gateway", "移除网关";
    by_tap: "{} by {}", "{}，经 {}";
    lease_until: "lease until {}", "租约至 {}";
    said_by_agent: "said by the guest", "由虚拟机报告";
    seen_on_wire: "seen on the wire", "在线路上观察到";
    reserved: "reserved", "已保留";
    survives: "survives a reboot", "重启后保留";
    vanishes: "gone after a reboot", "重启后消失";
    default_route: "default route", "默认路由";
    disagree: "libvirt says {}", "libvirt 记录为 {}";
    agent: "Agent", "代理";
    forwarding: "Forwarding", "转发";
    free_slots: "Free slots", "空闲插槽";
    translates: "Translates", "转换";
    serves: "Gateway of", "网关服务";
    leaves_by: "Leaves by", "出口";
    not_asked: "The guest could not be asked.", "无法询问该虚拟机。";
    no_routes: "No routes.", "没有路由。";
    no_nat: "This guest translates nothing.", "该虚拟机不做地址转换。";
    destination: "Destination", "目标";
    via: "Via", "下一跳";
    interface: "Interface", "接口";
    metric: "Metric", "度量";
    address: "Address", "地址";
    addresses: "Addresses", "地址";
    state: "State", "状态";
    mtu: "MTU", "MTU";
    mac: "MAC", "MAC";
    name: "Name", "名称";
    stp: "Spanning tree", "生成树";
    network: "Network", "网络";
    ports_talk: "Ports talk", "端口互通";
    talk_yes: "yes", "是";
    talk_dropped: "dropped by {}", "被 {} 丢弃";
    learnt: "Learnt MACs", "已学习的 MAC";
    behind: "Behind it", "对端";
    no_ports: "No ports. Drag a NIC here.", "没有端口。把网卡拖到这里。";
    edit: "Edit…", "编辑…";
    delete_bridge: "Delete", "删除";
    adopt_first: "Bridgehead did not make this bridge and will not change it.", "该网桥不是由 Bridgehead 创建，不会更改它。";
    active: "active", "活动";
    inactive: "not started", "未启动";
    autostart: "Starts by itself", "自动启动";
    yes: "yes", "是";
    no: "no", "否";
    mode: "Mode", "模式";
    isolated: "isolated", "隔离";
    ranges: "Range", "范围";
    hostname: "Name it gave", "自报名称";
    expires: "Until", "到期";
    no_leases: "Nobody has a lease.", "没有租约。";
    packets: "Packets", "包数";
    policy: "policy {}", "策略 {}";
    no_rules: "No rules could be read.", "未能读取规则。";
    rate: "Now", "当前";
    unknown: "unknown", "未知";
    hardware: "hardware", "硬件";
    default_word: "default", "默认";

    // Tray
    draft: "Draft", "草稿";
    step_one: "1 step", "1 步";
    steps: "{} steps", "{} 步";
    nothing_yet: "nothing has happened yet", "尚未执行任何操作";
    no_wire: "does not touch your own wire", "不影响您的连接";
    touches_wire: "touches your own wire ({})", "会影响您的连接（{}）";
    can_undo: "can be undone", "可以撤销";
    nothing_to_do: "nothing to do: it is so already", "无需操作：已是如此";
    discard: "Discard", "放弃";
    export: "Export…", "导出…";
    apply: "Apply", "执行";
    undo: "Undo", "撤销";
    dismiss: "Dismiss", "关闭";
    blocked: "cannot be applied", "无法执行";
    applying: "Applying, {} of {}", "正在执行，第 {} 步，共 {} 步";
    verifying: "Done; proving it", "已完成，正在验证";
    committed: "Applied", "已执行";
    awaiting: "Done; to be confirmed", "已完成，等待确认";
    confirm_left: "This change could cut you off. Unless this page reaches the server, it is taken back in {} s.", "此更改可能切断您的连接。若本页面无法联系到服务器，{} 秒后将自动撤回。";
    confirm_other: "This change could cut off whoever asked for it, and waits for their confirmation: it is taken back in {} s.", "此更改可能切断发起者的连接，正在等待其确认；{} 秒后将自动撤回。";
    rolling_back: "Failed; taking it back", "失败，正在撤回";
    rolled_back: "Rolled back", "已撤回";
    left_over: "Could not be taken back", "无法撤回的部分";
    proof_holds: "{} reaches {}", "{} 可到达 {}";
    proof_fails: "{} does not reach {} as promised", "{} 未能如预期到达 {}";
    no_answer: "no answer", "无应答";
    done: "done", "完成";
    now: "now", "进行中";
    taken_back: "taken back", "已撤回";
    fix: "Fix: {}", "修复：{}";
    command_copied: "The shell commands that this plan equals", "该计划等价的命令";
    plan: "Plan", "计划";

    // Dialogs
    cancel: "Cancel", "取消";
    add_to_draft: "Add to the draft", "加入草稿";
    attach_title: "Add a NIC to {}", "为 {} 添加网卡";
    move_title: "Move a NIC of {}", "移动 {} 的网卡";
    plug_into: "Plug into", "接入";
    a_bridge: "bridge {}", "网桥 {}";
    a_network: "network {}", "网络 {}";
    address_optional: "Address with prefix length, set inside the guest", "地址及前缀长度，在虚拟机内设置";
    route_optional: "Default route: next hop", "默认路由：下一跳";
    leave_empty: "leave empty to keep it as it is", "留空则保持不变";
    address_title: "Address of {} in {}", "{1} 中 {0} 的地址";
    bridge_title: "New bridge", "新建网桥";
    bridge_edit_title: "Edit {}", "编辑 {}";
    bridge_address: "Addresses of the host on it, with prefix length", "主机在其上的地址及前缀长度";
    bridge_mtu: "MTU, in bytes", "MTU（字节）";
    let_ports_talk: "Let its ports talk, whatever the firewall does", "无论防火墙如何，允许其端口互通";
    use_stp: "Spanning tree", "启用生成树";
    gateway_title: "Make a guest the gateway", "将虚拟机设为网关";
    gateway_guest: "Gateway", "网关";
    gateway_host: "the host itself", "主机本身";
    gateway_bridge: "Private bridge", "私有网桥";
    gateway_subnet: "Subnet", "子网";
    gateway_outside: "Leaves by", "出口";
    gateway_members: "Members, whose traffic goes through it", "成员（流量经网关）";
    gateway_translation: "Translation", "地址转换";
    snat: "to its present address (snat)", "转换为当前地址（snat）";
    masq: "to whatever address it has (masquerade)", "转换为届时的地址（masquerade）";
    detach: "Unplug the members from the old network, last of all", "最后将成员从旧网络拔除";
    probe: "Prove it by reaching", "以到达该地址为验证";
    findings_title: "Findings", "发现";
    export_title: "Commands", "命令";
    not_an_address: "{} is not an address with prefix length, such as 192.168.48.1/24", "{} 不是带前缀长度的地址，例如 192.168.48.1/24";
    not_an_ip: "{} is not an address, such as 192.168.48.10", "{} 不是地址，例如 192.168.48.10";
    not_a_number: "{} is not a number", "{} 不是数字";
    choose_members: "Choose at least one member.", "请至少选择一个成员。";
    nowhere: "There is no bridge and no network to plug into.", "没有可接入的网桥或网络。";

    // Outline
    outline_hint: "Everything that the picture shows, as a list.", "以列表显示网络图的全部内容。";
    actions: "Actions for {}", "{} 的操作";

    // Login
    login_text: "Bridgehead shows and changes the network of this host. Its log-in URL is printed where it was started.", "Bridgehead 显示并更改本机网络。登录链接显示在启动它的终端中。";
    token: "Token", "令牌";
    login: "Log in", "登录";
    unreachable: "The server does not answer.", "服务器无应答。";
    unreadable: "The server’s answer could not be read.", "无法读取服务器的应答。";
}

impl Texts {
    pub fn of(language: Language) -> &'static Self {
        language.pick(&ENGLISH, &CHINESE)
    }
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
