//! What steps do to the kernel: one method, one effect. Nothing is decided here.

use std::{fmt::Display, io};

use futures::TryStreamExt;
use ipnet::IpNet;
use model::{
    observed::Link,
    step::{HostRoute, NewBridge},
};
use rtnetlink::{
    AddressMessageBuilder, LinkBridge, LinkMessageBuilder, LinkUnspec, RouteMessageBuilder,
    packet_route::{
        address::AddressMessage,
        link::BridgeStpState,
        route::{RouteMessage, RouteScope},
    },
};

use super::{Error, Kernel, cause, route::protocol_named, sysctl};

impl Kernel {
    /// Makes a bridge, down, with our alias on it. A bridge that could not be marked as ours is taken away again.
    pub async fn create_bridge(&self, bridge: &NewBridge) -> Result<(), Error> {
        let doing = || format!("create the bridge {}", bridge.name);
        let _writing = self.writing.lock().await;
        let stp = if bridge.stp { BridgeStpState::KernelStp } else { BridgeStpState::Disabled };
        let mut message = LinkMessageBuilder::<LinkBridge>::new(&bridge.name).stp_state(stp);
        if let Some(mac) = bridge.mac {
            message = message.address(mac.0.to_vec());
        }
        self.handle.link().add(message.build()).execute().await.map_err(failed(doing()))?;
        let index = self.index(&bridge.name, doing).await?;
        // The kernel takes no alias in the request that makes a link, and an MTU in it does not hold: it would give way to
        // that of the first port.
        let mut mark = LinkUnspec::new_with_index(index).alias(Link::OURS);
        if let Some(mtu) = bridge.mtu {
            mark = mark.mtu(mtu);
        }
        if let Err(error) = self.handle.link().set(mark.build()).execute().await {
            if let Err(error) = self.handle.link().del(index).execute().await {
                tracing::warn!("cannot take back the unmarked bridge {}: {error}", bridge.name);
            }
            return Err(failed(doing())(error));
        }
        Ok(())
    }

    pub async fn delete_link(&self, link: &str) -> Result<(), Error> {
        let doing = || format!("delete the link {link}");
        let _writing = self.writing.lock().await;
        let index = self.index(link, doing).await?;
        self.handle.link().del(index).execute().await.map_err(failed(doing()))
    }

    pub async fn set_up(&self, link: &str, up: bool) -> Result<(), Error> {
        let doing = || format!("set {link} {}", if up { "up" } else { "down" });
        self.set(link, doing, |message| if up { message.up() } else { message.down() }).await
    }

    pub async fn set_mtu(&self, link: &str, mtu: u32) -> Result<(), Error> {
        self.set(link, || format!("set the MTU of {link} to {mtu}"), |message| message.mtu(mtu)).await
    }

    pub async fn set_stp(&self, bridge: &str, stp: bool) -> Result<(), Error> {
        let doing = || format!("switch STP of {bridge} {}", if stp { "on" } else { "off" });
        let _writing = self.writing.lock().await;
        let index = self.index(bridge, doing).await?;
        let state = if stp { BridgeStpState::KernelStp } else { BridgeStpState::Disabled };
        let message = LinkMessageBuilder::<LinkBridge>::new(bridge).index(index).stp_state(state).build();
        self.handle.link().change(message).execute().await.map_err(failed(doing()))
    }

    /// Plugs a link into a bridge, or takes it out.
    pub async fn set_master(&self, link: &str, master: Option<&str>) -> Result<(), Error> {
        let doing = || match master {
            Some(master) => format!("plug {link} into {master}"),
            None => format!("take {link} out of its bridge"),
        };
        let _writing = self.writing.lock().await;
        let index = self.index(link, doing).await?;
        let message = LinkUnspec::new_with_index(index);
        let message = match master {
            Some(master) => message.controller(self.index(master, doing).await?),
            None => message.nocontroller(),
        };
        self.handle.link().set(message.build()).execute().await.map_err(failed(doing()))
    }

    pub async fn add_address(&self, link: &str, address: IpNet) -> Result<(), Error> {
        let doing = || format!("add {address} to {link}");
        let _writing = self.writing.lock().await;
        let index = self.index(link, doing).await?;
        let request = self.handle.address().add(index, address.addr(), address.prefix_len());
        request.execute().await.map_err(failed(doing()))
    }

    pub async fn remove_address(&self, link: &str, address: IpNet) -> Result<(), Error> {
        let doing = || format!("remove {address} from {link}");
        let _writing = self.writing.lock().await;
        let index = self.index(link, doing).await?;
        self.handle.address().del(address_message(index, address)).execute().await.map_err(failed(doing()))
    }

    pub async fn add_route(&self, route: &HostRoute) -> Result<(), Error> {
        let doing = || format!("add the route {}", described(route));
        let _writing = self.writing.lock().await;
        let message = self.route_message(route, doing).await?;
        self.handle.route().add(message).execute().await.map_err(failed(doing()))
    }

    pub async fn remove_route(&self, route: &HostRoute) -> Result<(), Error> {
        let doing = || format!("remove the route {}", described(route));
        let _writing = self.writing.lock().await;
        let message = self.route_message(route, doing).await?;
        self.handle.route().del(message).execute().await.map_err(failed(doing()))
    }

    /// Writes one setting below `net`.
    pub fn set_sysctl(&self, name: &str, value: &str) -> Result<(), Error> {
        let doing = format!("set {name} to {value:?}");
        let Some(path) = sysctl::path(name) else { return Err(Error::SysctlName { doing, name: name.to_owned() }) };
        sysctl::write(&path, value).map_err(|source| Error::Write { doing, source })
    }

    async fn set(
        &self,
        link: &str,
        doing: impl Fn() -> String,
        change: impl FnOnce(LinkMessageBuilder<LinkUnspec>) -> LinkMessageBuilder<LinkUnspec>,
    ) -> Result<(), Error> {
        let _writing = self.writing.lock().await;
        let index = self.index(link, &doing).await?;
        let message = change(LinkUnspec::new_with_index(index)).build();
        self.handle.link().set(message).execute().await.map_err(failed(doing()))
    }

    /// The ifindex of a link, asked at the moment of writing: an index remembered from earlier may be another link's.
    async fn index(&self, link: &str, doing: impl Fn() -> String) -> Result<u32, Error> {
        let mut found = std::pin::pin!(self.handle.link().get().match_name(link).execute());
        match found.try_next().await {
            Ok(Some(message)) => Ok(message.header.index),
            Ok(None) => Err(Error::NoLink { doing: doing(), link: link.to_owned() }),
            Err(error) => {
                let source = cause(error);
                // No such link, or a name that no link can have.
                if matches!(source.raw_os_error(), Some(nix::libc::ENODEV | nix::libc::EINVAL | nix::libc::ERANGE)) {
                    return Err(Error::NoLink { doing: doing(), link: link.to_owned() });
                }
                Err(Error::Write { doing: doing(), source })
            }
        }
    }

    async fn route_message(&self, route: &HostRoute, doing: impl Fn() -> String) -> Result<RouteMessage, Error> {
        let index = self.index(&route.link, &doing).await?;
        let wrong = |error: &dyn Display| Error::Write {
            doing: doing(),
            source: io::Error::new(io::ErrorKind::InvalidInput, error.to_string()),
        };
        let destination = route.destination.trunc();
        let mut message = RouteMessageBuilder::<std::net::IpAddr>::new()
            .destination_prefix(destination.addr(), destination.prefix_len())
            .map_err(|error| wrong(&error))?
            .output_interface(index)
            .protocol(protocol_named(&route.protocol))
            .priority(route.metric);
        match route.gateway {
            Some(gateway) => message = message.gateway(gateway).map_err(|error| wrong(&error))?,
            // As `ip route` does: what needs no next hop is on the link.
            None if destination.addr().is_ipv4() => message = message.scope(RouteScope::Link),
            None => {}
        }
        Ok(message.build())
    }
}

fn address_message(index: u32, address: IpNet) -> AddressMessage {
    match address {
        IpNet::V4(net) => AddressMessageBuilder::<std::net::Ipv4Addr>::new()
            .index(index)
            .address(net.addr(), net.prefix_len())
            .build(),
        IpNet::V6(net) => AddressMessageBuilder::<std::net::Ipv6Addr>::new()
            .index(index)
            .address(net.addr(), net.prefix_len())
            .build(),
    }
}

fn described(route: &HostRoute) -> String {
    let via = route.gateway.map(|gateway| format!(" via {gateway}")).unwrap_or_default();
    format!("{}{via} on {}", route.destination, route.link)
}

fn failed(doing: String) -> impl FnOnce(rtnetlink::Error) -> Error {
    move |error| Error::Write { doing, source: cause(error) }
}
