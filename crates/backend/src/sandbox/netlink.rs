//! What is asked of the kernel about networks: the loopback that lets a pod talk to itself, and the links between pods.
//! Not here: whose (`link`), any other network. Source: rtnetlink(7), netlink(7), veth(4); protocol 0 is NETLINK_ROUTE.

use std::{
    io,
    net::Ipv4Addr,
    os::fd::{AsRawFd, BorrowedFd},
};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

/// The index of the loopback interface in every new network namespace.
pub(crate) const LOOPBACK: u32 = 1;
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
/// `NLM_F_CREATE` and `NLM_F_EXCL`
const CREATE: u16 = 0x600;
const IFF_UP: u32 = 1;
const AF_INET: u8 = 2;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
/// The length of struct nlmsghdr.
const HEADER_BYTES: usize = 16;

/// Brings an interface up.
pub(crate) fn up(index: u32) -> io::Result<()> {
    ask(RTM_NEWLINK, 0, &interface(index, IFF_UP))
}

/// Makes a pair of interfaces: one here, which is up, one in the network namespace `there`; each with its index.
pub(super) fn add_pair(here: u32, there: (BorrowedFd<'_>, u32)) -> io::Result<()> {
    let (namespace, index) = there;
    let name = |index: u32| attribute(IFLA_IFNAME, format!("pod{index}\0").as_bytes());
    // the kernel refuses to bring it up before it has its other end
    let peer =
        [interface(index, 0), name(index), attribute(IFLA_NET_NS_FD, &namespace.as_raw_fd().to_ne_bytes())];
    let data = attribute(IFLA_INFO_DATA, &attribute(VETH_INFO_PEER, &peer.concat()));
    let info = [attribute(IFLA_INFO_KIND, b"veth\0"), data];
    ask(
        RTM_NEWLINK,
        CREATE,
        &[interface(here, IFF_UP), name(here), attribute(IFLA_LINKINFO, &info.concat())].concat(),
    )
}

/// Gives an interface an address, and the way to the one at its other end; none if they are the same.
pub(super) fn add_address(index: u32, own: Ipv4Addr, other: Ipv4Addr) -> io::Result<()> {
    // struct ifaddrmsg: family, length of the prefix, flags, scope, interface
    let mut body = vec![AF_INET, 32, 0, 0];
    body.extend(index.to_ne_bytes());
    body.extend(attribute(IFA_LOCAL, &own.octets()));
    body.extend(attribute(IFA_ADDRESS, &other.octets()));
    ask(RTM_NEWADDR, CREATE, &body)
}

/// struct ifinfomsg of an interface with these flags.
fn interface(index: u32, flags: u32) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    for field in [index, flags, flags] {
        bytes.extend(field.to_ne_bytes());
    }
    bytes
}

/// struct rtattr and its content, filled up to a multiple of four.
fn attribute(kind: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len().saturating_add(4)).unwrap_or(u16::MAX);
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Sends one message, in the machine's byte order, and waits for the answer.
fn ask(kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(HEADER_BYTES.saturating_add(body.len())).map_err(io::Error::other)?;
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_ACK | flags).to_ne_bytes());
    bytes.extend(1_u32.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(body);
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    send(&socket, &bytes, SendFlags::empty())?;
    let mut answer = [0; 1024];
    recv(&socket, &mut answer, RecvFlags::empty())?;
    // struct nlmsgerr: after the header, 0 or a negative errno
    let code = answer.get(HEADER_BYTES..HEADER_BYTES + 4).and_then(|bytes| bytes.try_into().ok());
    match code.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(error.saturating_neg())),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
