// network.cpp: namespaces, veth pairs, and frames from one to another.
// SPDX-License-Identifier: MIT
#include "chaos/network.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <sstream>

namespace sluice::chaos {
namespace {

constexpr std::size_t kHeader = 10;  // virtio_net_hdr: keeps what is offloaded as it is
constexpr std::size_t kMostFrame = 70'000;
constexpr int kFramesPerLook = 64;
constexpr std::size_t kMostDelayed = 20'000;  // frames; more are dropped, as any switch would
constexpr int kIgnoreOutgoing = 23;           // PACKET_IGNORE_OUTGOING of newer headers

// A thread can be in another namespace than the rest of its process.
void in_a_thread(const std::function<void()>& act) { std::thread(act).join(); }

int new_space() {
  int fd = -1;
  in_a_thread([&fd] {
    if (::unshare(CLONE_NEWNET) == 0)
      fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  });
  REQUIRE(fd >= 0);
  return fd;
}

std::string path_of(int fd) {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd);
}

e2e::Words entering(int space) { return {"nsenter", "--net=" + path_of(space), "--"}; }

void shell(int space, const std::string& script) {
  e2e::Words words = entering(space);
  words.insert(words.end(), {"sh", "-ec", script});
  const e2e::Ran ran = e2e::run(words);
  INFO(script, ": ", ran.out, ran.err);
  REQUIRE(ran.code == 0);
}

// Reads and writes whole frames, with the offloads' header, never blocking.
int open_wire(int space, const std::string& name) {
  int fd = -1;
  in_a_thread([&] {
    if (::setns(space, CLONE_NEWNET) != 0) return;
    const int raw = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ALL);
    at.sll_ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
    const int yes = 1, buffer = 8 << 20;
    const bool good =
        raw >= 0 && ::setsockopt(raw, SOL_PACKET, PACKET_VNET_HDR, &yes, sizeof yes) == 0 &&
        ::setsockopt(raw, SOL_PACKET, kIgnoreOutgoing, &yes, sizeof yes) == 0 &&
        ::setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) == 0 &&
        ::bind(raw, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    if (good) fd = raw;
    else if (raw >= 0) ::close(raw);
  });
  REQUIRE(fd >= 0);
  return fd;
}

std::string mac_of(std::size_t host) {
  std::ostringstream text;
  text << "02:00:00:00:00:" << std::hex << (host < 16 ? "0" : "") << host;
  return text.str();
}

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

Network::Network(std::uint64_t seed)
    : switch_space_(new_space()), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), random_(seed) {
  REQUIRE(wake_ >= 0);
  ++hosts_;
  attach(kHere);
  thread_ = std::thread([this] { forward(); });
}

Network::~Network() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
  for (Port& port : ports_) {
    close_fd(port.wire);
    close_fd(port.name_space);
  }
  close_fd(switch_space_);
  close_fd(wake_);
}

std::size_t Network::add_host() {
  REQUIRE(hosts_ < kMostHosts);
  attach(++hosts_);
  return hosts_;
}

void Network::attach(std::size_t host) {
  int space = -1;
  if (host == kHere)
    space = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  else
    space = new_space();
  REQUIRE(space >= 0);
  const std::string n = std::to_string(host);
  shell(switch_space_, "ip link add v" + n + " address " + mac_of(host) +
                           " type veth peer name w" + n + "; ip link set v" + n + " netns " +
                           path_of(space) + "; ip link set w" + n + " up");
  shell(space, "ip link set lo up; ip link set v" + n + " addrgenmode none; ip address add " +
                   address(host) + "/24 dev v" + n + "; ip link set v" + n + " up");
  const int wire = open_wire(switch_space_, "w" + n);
  {
    const std::scoped_lock lock(mutex_);
    ports_[host] = {wire, space};
  }
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
}

e2e::Words Network::on(std::size_t host) const { return entering(ports_[host].name_space); }

void Network::set(std::size_t from, std::size_t to, const Way& way) {
  const std::scoped_lock lock(mutex_);
  links_[from][to].way = way;
}

void Network::set_both(std::size_t a, std::size_t b, const Way& way) {
  set(a, b, way);
  set(b, a, way);
}

void Network::set_all(const Way& way) {
  for (std::size_t from = 1; from <= hosts_; ++from)
    for (std::size_t to = 1; to <= hosts_; ++to) set(from, to, way);
}

std::size_t Network::reset(std::size_t host, std::size_t peer) const {
  e2e::Words words = on(host);
  words.insert(words.end(), {"ss", "-KHtn", "state", "established", "dst", address(peer)});
  std::istringstream killed(e2e::run(words).out);
  std::size_t count = 0;
  for (std::string line; std::getline(killed, line);) ++count;
  return count;
}

void Network::vanish(std::size_t host) {
  const std::scoped_lock lock(mutex_);
  close_fd(ports_[host].wire);
  shell(switch_space_, "ip link delete w" + std::to_string(host));
  close_fd(ports_[host].name_space);
}

void Network::come_back(std::size_t host) { attach(host); }

Network::Counters Network::counters() {
  const std::scoped_lock lock(mutex_);
  return counters_;
}

// --- the switch's thread ----------------------------------------------------

void Network::forward() {
  std::vector<char> buffer(kMostFrame);
  for (;;) {
    std::vector<pollfd> fds{{wake_, POLLIN, 0}};
    std::vector<std::size_t> hosts{0};
    timespec left{1, 0};
    {
      const std::scoped_lock lock(mutex_);
      if (stop_) return;
      deliver_due();
      for (std::size_t host = 1; host < ports_.size(); ++host) {
        if (ports_[host].wire < 0) continue;
        fds.push_back({ports_[host].wire, POLLIN, 0});
        hosts.push_back(host);
      }
      if (!delayed_.empty()) {
        const auto wait = std::clamp(delayed_.top().due - Clock::now(),
                                     Clock::duration::zero(), Clock::duration(999'999'999));
        left = {0, wait.count()};
      }
    }
    ::ppoll(fds.data(), fds.size(), &left, nullptr);
    std::uint64_t woken = 0;
    (void)!::read(wake_, &woken, sizeof woken);
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 1; i < fds.size(); ++i)
      if (fds[i].revents != 0) take_from(hosts[i], buffer);
  }
}

void Network::take_from(std::size_t from, std::span<char> buffer) {
  for (int i = 0; i < kFramesPerLook && ports_[from].wire >= 0; ++i) {
    const ssize_t got = ::recv(ports_[from].wire, buffer.data(), buffer.size(), 0);
    if (got < static_cast<ssize_t>(kHeader + sizeof(ethhdr))) return;
    const auto frame = std::span<const char>(buffer).first(static_cast<std::size_t>(got));
    const auto* const to = reinterpret_cast<const unsigned char*>(frame.data()) + kHeader;
    if (to[0] == 0xFF) {  // who has that address?
      for (std::size_t host = 1; host <= kMostHosts; ++host)
        if (host != from) pass_on(from, host, frame);
    } else if (to[0] == 0x02 && to[5] >= 1 && to[5] <= kMostHosts) {
      pass_on(from, to[5], frame);
    }
  }
}

void Network::pass_on(std::size_t from, std::size_t to, std::span<const char> frame) {
  if (ports_[to].wire < 0) return;
  Link& link = links_[from][to];
  const Way& way = link.way;
  if (way.cut || random_() % 100 < way.loss_percent || delayed_.size() >= kMostDelayed) {
    ++counters_.dropped;
    return;
  }
  const auto now = Clock::now();
  auto due = now + way.delay;
  if (way.jitter.count() > 0)
    due += std::chrono::microseconds(random_() % static_cast<std::uint64_t>(way.jitter.count()));
  if (due <= now && link.last <= now) return write_to(to, frame);
  link.last = std::max(due, link.last);
  ++counters_.delayed;
  delayed_.push({link.last, ++order_, from, to, {frame.begin(), frame.end()}});
}

void Network::deliver_due() {
  const auto now = Clock::now();
  while (!delayed_.empty() && delayed_.top().due <= now) {
    const Delayed& next = delayed_.top();
    if (links_[next.from][next.to].way.cut)
      ++counters_.dropped;
    else
      write_to(next.to, next.frame);
    delayed_.pop();
  }
}

void Network::write_to(std::size_t to, std::span<const char> frame) {
  const bool sent = ports_[to].wire >= 0 &&
                    ::send(ports_[to].wire, frame.data(), frame.size(), MSG_DONTWAIT) >= 0;
  ++(sent ? counters_.passed : counters_.dropped);
}

}  // namespace sluice::chaos
