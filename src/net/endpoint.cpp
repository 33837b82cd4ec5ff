// endpoint.cpp: reading addresses that people type and peers send.
// SPDX-License-Identifier: MIT
#include "net/endpoint.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <sys/un.h>
#include <unistd.h>

#include "sluice/error.hpp"

namespace sluice::net {
namespace {

constexpr std::size_t kMostHost = 253;
constexpr std::size_t kMostPath = sizeof(sockaddr_un::sun_path) - 1;  // 107 and a NUL
constexpr std::size_t kMostName = 255;

// The text may come from a peer and go to a log: only printable characters are quoted.
[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  std::string quoted(text.substr(0, 256));
  std::replace_if(
      quoted.begin(), quoted.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  throw Error('"' + quoted + "\" is not an endpoint: " + why);
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// The one spelling of an IPv6 address, scope kept; IPv4 mapped into IPv6 comes out as IPv4.
// Empty if it is none.
std::string normal_ipv6(std::string_view text) {
  const std::size_t percent = text.find('%');
  const std::string bare(text.substr(0, percent));
  const std::string_view scope = percent == std::string_view::npos ? "" : text.substr(percent);
  in6_addr address{};
  if (::inet_pton(AF_INET6, bare.c_str(), &address) != 1) return {};
  std::array<char, INET6_ADDRSTRLEN> spelled{};
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    return ::inet_ntop(AF_INET, &address.s6_addr[12], spelled.data(), spelled.size());
  }
  ::inet_ntop(AF_INET6, &address, spelled.data(), spelled.size());
  return spelled.data() + std::string(scope);
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

// `host` as it stands in an endpoint, or alone; `text` is what is quoted if it is no host.
std::string parse_host(std::string_view host, std::string_view text) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    std::string normal = normal_ipv6(host);
    const bool scope_is_sane = std::all_of(host.begin(), host.end(), [](char c) {
      return is_name_character(c) || c == ':' || c == '%';
    });
    if (normal.empty() || !scope_is_sane) refuse(text, "there is no IPv6 address in the brackets");
    return normal;
  }
  if (host == "*") return "*";
  if (host.empty()) {
    refuse(text, "it names no host; write tcp://*:PORT to listen on all interfaces");
  }
  if (host.find(':') != std::string_view::npos) {
    refuse(text, "an IPv6 address stands in brackets: tcp://[::1]:5570");
  }
  if (host.size() > kMostHost || !std::all_of(host.begin(), host.end(), is_name_character)) {
    refuse(text, "a host is a name, an IP address or *");
  }
  return std::string(host);
}

std::uint16_t parse_port(std::string_view port, std::string_view text) {
  if (port == "*") return 0;
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size() || number > 65'535) {
    refuse(text, "a port is a number from 1 to 65535; 0 or * takes any free one");
  }
  return static_cast<std::uint16_t>(number);
}

Endpoint parse_tcp(std::string_view rest, std::string_view text) {
  const std::size_t colon = rest.rfind(':');
  const std::size_t bracket = rest.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (!has_port) refuse(text, "it has no port; write tcp://HOST:PORT");
  Endpoint endpoint;
  endpoint.host = parse_host(rest.substr(0, colon), text);
  endpoint.port = parse_port(rest.substr(colon + 1), text);
  return endpoint;
}

Endpoint parse_path(Endpoint::Transport transport, std::string_view path, std::string_view text) {
  const bool ipc = transport == Endpoint::Transport::ipc;
  if (path.empty()) refuse(text, ipc ? "it names no path" : "it names nothing");
  if (ipc && path == "*") refuse(text, "name a path that others can be given");
  const std::size_t most = ipc ? kMostPath : kMostName;
  if (path.size() > most) {
    refuse(text, "it is " + std::to_string(path.size()) + " bytes long and " +
                     std::to_string(most) + " is the most; choose a shorter one");
  }
  if (path.find('\0') != std::string_view::npos) refuse(text, "it contains a NUL byte");
  Endpoint endpoint;
  endpoint.transport = transport;
  endpoint.path = path;
  return endpoint;
}

}  // namespace

Endpoint Endpoint::parse(std::string_view text) {
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos) return parse_tcp(text, text);
  const std::string_view scheme = text.substr(0, mark);
  const std::string_view rest = text.substr(mark + 3);
  if (scheme == "tcp") return parse_tcp(rest, text);
  if (scheme == "ipc") return parse_path(Transport::ipc, rest, text);
  if (scheme == "inproc") return parse_path(Transport::inproc, rest, text);
  refuse(text, "use tcp://HOST:PORT, ipc://PATH or inproc://NAME");
}

std::string Endpoint::text() const {
  switch (transport) {
    case Transport::ipc:
      return "ipc://" + path;
    case Transport::inproc:
      return "inproc://" + path;
    case Transport::tcp:
      break;
  }
  return "tcp://" + (is_ipv6() ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

bool Endpoint::is_loopback() const {
  if (transport != Transport::tcp) return true;
  if (host == "localhost" || host == "::1") return true;
  return is_ipv4(host) && host.starts_with("127.");
}

bool Endpoint::is_any_host() const {
  return transport == Transport::tcp && (host == "*" || host == "0.0.0.0" || host == "::");
}

bool Endpoint::is_literal() const {
  return transport != Transport::tcp || is_ipv6() || is_ipv4(host);
}

Endpoint Endpoint::with_host(std::string_view other) const {
  Endpoint result = *this;
  if (transport != Transport::tcp) return result;
  std::string bare = normal_ipv6(other);  // brackets may be left out where no port follows
  result.host = bare.empty() ? parse_host(other, other) : std::move(bare);
  return result;
}

Endpoint Endpoint::with_port(std::uint16_t other) const {
  Endpoint result = *this;
  if (transport == Transport::tcp) result.port = other;
  return result;
}

void Endpoint::require_connectable() const {
  if (transport != Transport::tcp) return;
  if (is_any_host()) {
    throw Error("cannot connect to " + text() +
                ": that means all interfaces of a machine; name the machine instead");
  }
  if (port == 0) throw Error("cannot connect to " + text() + ": name the port");
}

Endpoint advertised_endpoint(const Endpoint& bound, const std::string& advertise) {
  if (!advertise.empty()) return bound.with_host(advertise);
  if (!bound.is_any_host()) return bound;
  std::array<char, 256> name{};
  const bool known = ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0';
  return bound.with_host(known ? name.data() : "localhost");
}

}  // namespace sluice::net
