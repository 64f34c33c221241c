//! The texts of the second module. They stand before those that are there from the start: either kind is found here.

use std::ops::Deref;

use model::Language;

texts! {
    first: &'static super::Texts = &super::ENGLISH, &super::CHINESE;

    bridge_over: "Make a bridge over it", "在其上新建网桥";
    bridge_over_means: "Its addresses, routes and MAC move to the bridge, in one change that is taken back by itself if it cuts you off.", "它的地址、路由和 MAC 会移到网桥上；整个过程是一次更改，若切断了您的连接会自动撤回。";

    // History
    history_title: "History", "历史";
    no_history: "Nothing has been changed yet. Each change makes a version that you can come back to.", "尚未做过任何更改。每次更改都会留下一个可以返回的版本。";
    version: "Version {}", "版本 {}";
    current: "current", "当前";
    same_as: "as version {}", "同版本 {}";
    redo: "Redo", "重做";
    go_back: "Return to it…", "返回此版本…";
    compare: "What it changed", "改动内容";
    same_document: "The document did not change.", "文档没有变化。";
    whole_log: "Download the log", "下载日志";
    put_back: "Put it back", "恢复";
    put_back_always: "Put it back always", "总是恢复";
    put_back_ask: "Ask before putting back", "恢复前先询问";
    plug_in_again: "Plug it in again", "重新接上";
    start_with_host: "Start with the host", "随主机启动";
    not_with_host: "Do not start with the host", "不随主机启动";
    adopt: "Adopt it", "采用现状";
    drifted: "Not as the document says", "与文档不符";

    // Addresses
    addresses_title: "All addresses", "所有地址";
    no_addresses: "No address is known yet.", "尚未发现任何地址。";
    holder: "Who has it", "持有者";
    told_by: "Who says so", "来源";
    given_by_dhcp: "Given by DHCP: {}", "由 DHCP 分配：{}";
    free_addresses: "Free: {}", "空闲：{}";
    conflict: "Conflict", "冲突";
    source_document: "document", "文档";
    source_kernel: "kernel", "内核";
    source_guest: "guest", "虚拟机";
    source_lease: "lease", "租约";
    source_static_lease: "static lease", "静态租约";
    source_neighbour: "ARP", "ARP";
    always_this_address: "Always this address", "始终使用此地址";
    not_always: "Not always", "不再固定此地址";

    // Drafts
    drafts_title: "Drafts of other operators", "其他操作者的草稿";
    drafts_mean: "Nothing of this has happened. Whoever applies first goes first; the other drafts are carried over to the new version.", "这些都尚未生效。先执行者优先，其余草稿会移到新版本上。";
    no_drafts: "Nobody else is drafting anything.", "没有其他人在编辑草稿。";
    its_steps: "What it would do: {} steps", "将执行 {} 步";
    add_to_mine: "Add to my draft", "加入我的草稿";
    added: "added", "新增";
    changed: "changed", "修改";
    removed: "removed", "删除";
    manager: "Manager", "网络管理程序";
    drop_entry: "Discard: {}", "放弃：{}";
    edited_entries: "Edits", "编辑";
    edit_again: "Edit the draft again", "重新编辑草稿";

    // Drawer
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
    after_reboot: "After a reboot", "重启后";
    after_reboot_is: "After a reboot: {}", "重启后：{}";
    runtime_only: "gone (runtime only: no program is known to make it again)", "消失（仅存在于运行时，未发现会重新创建它的程序）";
    comes_back_bare: "what is set on it is gone (no network manager is known to set it again)", "上面的设置会消失（未发现会重新配置它的网络管理程序）";
    gone_with_guest: "gone with the guest’s next shutdown", "虚拟机下次关机后消失";
    gone_undefined: "gone (libvirt has no definition of it)", "消失（libvirt 没有它的定义）";
    defined_elsewhere: "plugged in elsewhere from the guest’s next start", "虚拟机下次启动后会接到别处";
    contested: "contested (claimed by {})", "有争议（被 {} 认领）";
    we_put_it_back: "Bridgehead puts it back", "由 Bridgehead 恢复";
    libvirt_starts_it: "libvirt starts it by itself", "由 libvirt 自动启动";
    to_be_started: "defined, but does not start by itself", "已定义，但不会自动启动";
    comes_with_guest: "comes back with {}", "随 {} 恢复";
    nothing_to_lose: "hardware, with nothing set on it", "硬件，上面没有设置";
    set_up_by: "set up by {}", "由 {} 配置";
    default_route: "default route", "默认路由";
    disagree: "libvirt says {}", "libvirt 记录为 {}";
    way_in: "Way in", "进入途径";
    no_way_in: "none: nothing can be set or seen inside", "没有：无法查看或设置其内部";
    add_channel: "Add the agent’s channel", "添加 agent 通道";
    no_channel: "Without the agent’s channel", "不要 agent 通道";
    install_agent: "To be installed inside", "需在其中安装";
    by_hand: "Set inside by hand", "手动设置内部";
    by_hand_means: "Paste this into the guest’s console, as root. It lasts until the guest’s next start; whether it is so cannot be seen from here. A NIC that is only drafted is there once the draft is applied.", "以 root 身份粘贴到虚拟机的控制台。下次启动后失效；此处无法得知是否已生效。仅在草稿中的网卡要在执行草稿后才会出现。";
    by_dhcp: "The network {} can give {} by DHCP instead, with its route: nothing is to be set inside then.", "也可以由网络 {} 通过 DHCP 分配 {} 及路由，这样就无需在内部设置。";
    ssh: "SSH", "SSH";
    ssh_not_used: "not used", "未使用";
    ssh_use: "Use SSH", "使用 SSH";
    ssh_stop: "No longer use SSH", "不再使用 SSH";
    ssh_user: "User for SSH", "SSH 用户";
    ssh_user_hint: "root, or one that may run sudo without a password", "root，或可免密码运行 sudo 的用户";
    ssh_line: "This line lets Bridgehead in; it goes into the user’s ~/.ssh/authorized_keys:", "此行允许 Bridgehead 登录，请加入该用户的 ~/.ssh/authorized_keys：";
    ssh_pinned: "Its pinned host key", "已固定的主机密钥";
    ssh_forget: "Forget the pinned key", "忘记已固定的密钥";
    forwarding: "Forwarding", "转发";
    own_hostname: "Hostname", "主机名";
    nameservers: "Name servers", "DNS 服务器";
    no_nameservers: "none", "无";
    set_resolver: "Hostname and DNS…", "主机名和 DNS…";
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
    given: "Given by DHCP", "由 DHCP 分配";
    router: "Router for guests", "告知虚拟机的路由器";
    no_router: "none", "无";
    promise: "promise", "承诺";
    static_leases: "Static leases", "静态租约";
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
    step_one: "1 step", "1 步";
    steps: "{} steps", "{} 步";
    nothing_yet: "nothing has happened yet", "尚未执行任何操作";
    no_wire: "does not touch your own wire", "不影响您的连接";
    touches_wire: "touches your own wire ({})", "会影响您的连接（{}）";
    can_undo: "can be undone", "可以撤销";
    nothing_to_do: "nothing to do: it is so already", "无需操作：已是如此";
    discard: "Discard", "放弃";
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
    address_moved: "With this change the host is at {0}. If you came to an address that it no longer has, open your tunnel to {1}: this page goes on by itself.", "此更改后主机的地址是 {0}。若您原来使用的地址已失效，请将隧道改连到 {1}，本页面会自动继续。";
    rolling_back: "Failed; taking it back", "失败，正在撤回";
    rolled_back: "Rolled back", "已撤回";
    waits_for_libvirt: "To be taken back as soon as libvirt answers", "libvirt 应答后即撤回的部分";
    left_over: "Could not be taken back", "无法撤回的部分";
    proof_holds: "{} reaches {}", "{} 可到达 {}";
    proof_fails: "{} does not reach {} as promised", "{} 未能如预期到达 {}";
    proof_refused: "{} does not reach {}: its gateway refuses it", "{} 不能到达 {}：网关拒绝该访问";
    proof_not_refused: "{} is not kept from {} by its gateway", "网关未阻止 {} 访问 {}";
    no_answer: "no answer", "无应答";
    done: "done", "完成";
    now: "now", "进行中";
    taken_back: "taken back", "已撤回";
    fix: "Fix: {}", "修复：{}";

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
    metric_optional: "Metric of that route", "该路由的跃点数";
    metric_hint: "the lowest wins; leave empty for the only default route", "数值最小者优先；留空则为唯一的默认路由";
    mtu_inside: "MTU inside the guest, in bytes", "虚拟机内的 MTU（字节）";
    dhcp_inside: "Its IPv4 address and default route by DHCP", "通过 DHCP 获取 IPv4 地址和默认路由";
    accept_ra: "Its IPv6 addresses by router advertisements", "通过路由器通告获取 IPv6 地址";
    rp_filter: "Source validation (rp_filter)", "源地址校验（rp_filter）";
    rp_filter_as_is: "as it is", "保持不变";
    rp_filter_off: "off: any source is taken", "关闭：接受任何源地址";
    rp_filter_strict: "strict: only sources that are answered by this NIC", "严格：只接受经此网卡回应的源地址";
    rp_filter_loose: "loose: only sources that some NIC can answer", "宽松：只接受某块网卡可以回应的源地址";
    routes_optional: "Further routes, separated by commas", "其他路由，用逗号分隔";
    not_a_route: "“{}” is not a route, such as 10.0.0.0/8 via 192.168.48.1", "“{}”不是路由，例如 10.0.0.0/8 via 192.168.48.1";
    leave_empty: "leave empty to keep it as it is", "留空则保持不变";
    address_title: "Address of {} in {}", "{1} 中 {0} 的地址";
    resolver_title: "Hostname and name servers of {}", "{} 的主机名和 DNS 服务器";
    hostname_optional: "Hostname, set inside the guest", "主机名，在虚拟机内设置";
    dns_optional: "Name servers, at most three, separated by commas", "DNS 服务器，最多三个，用逗号分隔";
    given_back: "leave empty for what it was before", "留空则恢复为原来的设置";
    bridge_title: "New bridge", "新建网桥";
    bridge_edit_title: "Edit {}", "编辑 {}";
    bridge_address: "Addresses of the host on it, with prefix length", "主机在其上的地址及前缀长度";
    bridge_mtu: "MTU, in bytes", "MTU（字节）";
    let_ports_talk: "Let its ports talk, whatever the firewall does", "无论防火墙如何，允许其端口互通";
    use_stp: "Spanning tree", "启用生成树";
    serve_addresses: "Serve addresses (DHCP)", "分配地址（DHCP）";
    dhcp_range: "Addresses to give, first and last", "要分配的首尾地址";
    dhcp_router: "Router that guests are told of", "告知虚拟机的路由器";
    dhcp_router_hint: "leave empty for the bridge’s gateway, if it has one", "留空则为网桥的网关（如果有）";
    not_a_range: "“{}” is not a range, such as 192.168.48.128-192.168.48.254", "“{}”不是地址范围，例如 192.168.48.128-192.168.48.254";
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
    forwards: "Port forwards", "端口转发";
    forward_port: "Port outside", "外部端口";
    forward_protocol: "Protocol", "协议";
    forward_to: "Member", "成员";
    forward_to_port: "Its port", "成员端口";
    add_forward: "Add a port", "添加端口";
    remove_forward: "Remove this port", "删除此端口";
    name_port: "Say which port outside leads to the member, or remove it.", "请填写要转发的外部端口，或将其删除。";
    destinations: "Members may reach", "成员可访问";
    reach_all: "everything outside", "外部全部";
    reach_only: "only these networks", "仅这些网段";
    reach_none: "nothing outside", "不可访问外部";
    destination_networks: "Networks, separated by commas", "网段，用逗号分隔";
    name_networks: "Name at least one network.", "请至少填写一个网段。";
    not_a_network: "{} is not a network, such as 10.0.0.0/24", "{} 不是网段，例如 10.0.0.0/24";
    not_a_port: "{} is not a port from 1 to 65535", "{} 不是 1 到 65535 之间的端口";
    detach: "Unplug the members from the old network, last of all", "最后将成员从旧网络拔除";
    probe: "Prove it by reaching", "以到达该地址为验证";
    findings_title: "Findings", "发现";
    export_title: "Export the network", "导出网络";
    export_draft_title: "Export the draft", "导出草稿";
    export_network: "All that the document says, for a host that has none of it.", "文档所述的全部内容，用于尚无这些内容的主机。";
    export_draft: "As a script, what the draft would change; in the other formats, all that it says.", "脚本仅包含草稿要做的更改；其他格式包含草稿所述的全部内容。";
    export_format: "Format", "格式";
    export_nothing: "There is nothing to write in this format.", "此格式没有可写的内容。";
    keep_about: "The host’s own manager can be told of the bridges too, in files of its own: they are there at the next start even without Bridgehead’s service.", "也可以用文件把网桥告知主机自己的网络管理程序：即使没有 Bridgehead 服务，下次启动时网桥也会存在。";
    keep_in: "Keep it in {}", "保存到 {}";
    keep_no_more: "No longer keep it in {}", "不再保存到 {}";
    format_document: "document (TOML)", "文档（TOML）";
    format_shell: "shell script", "Shell 脚本";
    format_libvirt: "libvirt XML", "libvirt XML";
    format_nft: "nftables rules", "nftables 规则";
    format_bridges: "{}: the bridges alone", "{}：仅网桥";
    format_cloud_init: "cloud-init: a seed for each guest", "cloud-init：每台虚拟机的种子文件";
    copy: "Copy", "复制";
    copied: "Copied", "已复制";
    download: "Download", "下载";
    not_an_address: "{} is not an address with prefix length, such as 192.168.48.1/24", "{} 不是带前缀长度的地址，例如 192.168.48.1/24";
    not_an_ip: "{} is not an address, such as 192.168.48.10", "{} 不是地址，例如 192.168.48.10";
    not_a_number: "{} is not a number", "{} 不是数字";
    choose_members: "Choose at least one member.", "请至少选择一个成员。";
    nowhere: "There is no bridge and no network to plug into.", "没有可接入的网桥或网络。";

    // Outline
    outline_hint: "Everything that the picture shows, as a list.", "以列表显示网络图的全部内容。";
    actions: "Actions for {}", "{} 的操作";

    // Can A reach B?
    can_it_reach: "Can it reach…?", "能否到达…？";
    explain_title: "Can A reach B?", "A 能否到达 B？";
    explain_about: "What would become of a packet and of its answer, as routes, rules and settings are now. Nothing is sent.", "按当前的路由、规则和设置，数据包及其应答会怎样。不会发送任何数据。";
    from: "From", "从";
    to: "To: an address, a guest, or host", "到：地址、虚拟机或 host";
    ping: "ping", "ping";
    port: "Port", "端口";
    by_v6: "by IPv6", "使用 IPv6";
    ask: "Ask", "询问";
    to_details: "Back to the details", "返回详情";
    incomplete: "Complete the question. The answer then follows the network.", "请补全问题。答案会随网络更新。";
    not_an_end: "“{}” is no address, no guest and not host", "“{}”不是地址、虚拟机或 host";
    verdict_yes: "Yes: {} reaches {}", "可达：{} 能到达 {}";
    verdict_no: "No: {} does not reach {}", "不可达：{} 不能到达 {}";
    verdict_unknown: "Not known: whether {} reaches {}", "未知：{} 能否到达 {}";
    machine: "Machine", "机器";
    table: "Table", "表";
    chain: "Chain", "链";
    handle: "Handle", "句柄";
    rule: "Rule", "规则";
    put_there_by: "Put there by", "添加者";
    somebody: "somebody", "未知的一方";
    setting: "Setting", "设置";
    way_there: "There", "去程";
    way_back: "And back", "回程";
    source_becomes: "source {} becomes {}", "源地址 {} 变为 {}";
    destination_becomes: "destination {} becomes {}", "目标地址 {} 变为 {}";
    ends_here: "It ends here.", "到此为止。";
    unknown_from_here: "From here on it is not known.", "由此往后未知。";
    rule_one: "1 rule", "1 条规则";
    rules_met: "{} rules", "{} 条规则";
    assumed: "Taken for granted", "假定";
    promises: "Promises", "承诺";
    promise_reached: "Promise that it stays so", "承诺保持可达";
    promise_refused: "Promise that it never gets there", "承诺始终不可达";
    promise_kept: "kept", "已兑现";
    promise_broken: "not kept", "未兑现";
    promise_unknown: "not known", "未知";
    release: "Release", "解除";

    // Ways into a guest
    ways: "Ways in", "进入方式";
    way_agent: "Guest agent", "guest agent";
    way_console: "Serial console", "串行控制台";
    way_used: "used", "正在使用";
    way_spare: "not needed", "无需使用";
    way_no_login: "no user and password given", "未提供用户名和密码";
    way_failed: "does not work", "不可用";
    console_login: "Log in by the serial console", "通过串行控制台登录";
    console_login_about: "Without a guest agent that runs commands, Bridgehead can log in on the serial console: as root, or as a user whom sudo makes root. Both are kept encrypted and shown to nobody.", "若没有可执行命令的 guest agent，Bridgehead 可以在串行控制台上登录：以 root 或可用 sudo 成为 root 的用户。用户名和密码加密保存，不会显示给任何人。";
    user: "User", "用户";
    password: "Password", "密码";
    forget_login: "Forget the login", "忘记登录信息";

    // Answers
    unreachable: "The server does not answer.", "服务器无应答。";
    unreadable: "The server’s answer could not be read.", "无法读取服务器的应答。";
}

impl Deref for Texts {
    type Target = super::Texts;

    fn deref(&self) -> &super::Texts {
        self.first
    }
}

/// The texts of the page's language.
pub fn texts() -> &'static Texts {
    Texts::of(super::texts().language)
}
