//! Which addresses an artifact may be fetched from: the server's process can reach more than the person who wrote the
//! workflow. Not here: names, which are looked up by whoever connects (see `client`).
//! Invariant: this machine itself, link-local addresses (cloud metadata services are there) and the known metadata services
//! elsewhere are not reached unless the server's owner says so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::DriverError;

/// The addresses that may be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    allowed: Vec<Network>,
}

/// A network: an address and how many of its first bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

/// Metadata services that are not link-local: Alibaba Cloud, Azure's platform, AWS on IPv6, Oracle's classic.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

impl Reach {
    /// Returns the default, and beyond it these networks (`127.0.0.0/8`, `::1`).
    ///
    /// # Errors
    /// The text that is no network.
    pub fn with_networks(texts: &[String]) -> Result<Self, String> {
        let allowed = texts.iter().map(|text| Network::parse(text).ok_or_else(|| text.clone()));
        Ok(Self { allowed: allowed.collect::<Result<_, _>>()? })
    }
    /// Returns what reaches every address: for whoever runs workflows as themselves.
    pub fn everywhere() -> Self {
        let all = |address| Network { address, bits: 0 };
        Self { allowed: vec![all(Ipv4Addr::UNSPECIFIED.into()), all(Ipv6Addr::UNSPECIFIED.into())] }
    }
    /// Whether an address may be reached.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = inner(address);
        self.allowed.iter().any(|network| network.holds(address)) || !is_guarded(address)
    }
    /// Refuses a URL whose host is an address that may not be reached; a name is looked up later.
    pub(crate) fn check(&self, url: &Url) -> Result<(), DriverError> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(DriverError::BadArtifact("the artifact's URL has no host".to_owned())),
        };
        if self.allows(address) {
            return Ok(());
        }
        Err(DriverError::Unreachable { host: url.host_str().unwrap_or_default().to_owned() })
    }
}

/// Returns the IPv4 address that an IPv6 address stands for, if it does.
fn inner(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        // NAT64 (RFC 6052), 6to4 (RFC 3056), IPv4-compatible (RFC 4291)
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => v4(high, low),
        _ => address,
    }
}

fn is_guarded(address: IpAddr) -> bool {
    let special = match address {
        IpAddr::V4(v4) => {
            // all of 0.0.0.0/8 is this machine
            v4.is_loopback() || v4.is_link_local() || v4.octets().first() == Some(&0) || v4.is_broadcast()
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
    };
    special || address.is_multicast() || METADATA.contains(&address)
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address.parse::<IpAddr>().ok()?, Some(bits.parse::<u8>().ok()?)),
            None => (text.trim().parse::<IpAddr>().ok()?, None),
        };
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }
    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same(u128::from(own.to_bits()) << 96, u128::from(other.to_bits()) << 96, self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), self.bits),
            _ => false,
        }
    }
}

fn same(first: u128, second: u128, bits: u8) -> bool {
    (first ^ second).leading_zeros() >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::Reach;

    #[test]
    fn the_machine_itself_and_metadata_services_are_out_of_reach() {
        let reach = Reach::default();
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:7f00:1::",
            "::127.0.0.1",
        ] {
            assert!(!reach.allows(address.parse().unwrap()), "{address}");
        }
        for address in ["93.184.216.34", "10.1.2.3", "192.168.0.9", "2606:4700::1111", "100.64.0.1"] {
            assert!(reach.allows(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn the_owner_may_allow_networks() {
        let reach = Reach::with_networks(&["127.0.0.0/8".to_owned(), "::1".to_owned()]).unwrap();
        for (address, allowed) in [
            ("127.0.0.1", true),
            ("127.255.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("::1", true),
            ("169.254.169.254", false),
            ("fe80::1", false),
        ] {
            assert_eq!(reach.allows(address.parse().unwrap()), allowed, "{address}");
        }
        for bad in ["", "x", "127.0.0.1/33", "127.0.0/8", "::/129", "1.2.3.4/x"] {
            assert_eq!(Reach::with_networks(&[bad.to_owned()]), Err(bad.to_owned()), "{bad}");
        }
        assert!(
            Reach::with_networks(&["0.0.0.0/0".to_owned()]).unwrap().allows("127.0.0.1".parse().unwrap())
        );
    }

    #[test]
    fn addresses_in_urls_are_seen_however_they_are_written() {
        for url in [
            "http://127.0.0.1/x",
            "http://2130706433/x",
            "http://0x7f.1/x",
            "http://0177.0.0.1/x",
            "http://[::1]/x",
            "http://[::ffff:a9fe:a9fe]/x",
            "http://user:hunter2@169.254.169.254/latest",
        ] {
            let error = Reach::default().check(&Url::parse(url).unwrap()).unwrap_err();
            assert_eq!(error.code().0, "DRV0003", "{url}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        assert!(Reach::default().check(&Url::parse("http://localhost/x").unwrap()).is_ok());
    }
}
