// hostile_test.cpp: whatever is sent to a port, the cluster goes on working.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <csignal>
#include <random>
#include <zmq.hpp>

#include "e2e/forwarder.hpp"
#include "e2e/handler_cluster.hpp"

namespace sluice::e2e {
namespace {

using Random = std::mt19937_64;

std::string random_bytes(Random& random, std::size_t count) {
  std::string out(count, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

// A frame of the protocol (PROTOCOL, section 2) with this header.
std::string frame(char version, char type, const std::string& body, const std::string& heap = {}) {
  std::string out = "SL";
  out += version;
  out += type;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(body.size() >> shift);
  out += std::string(15, '\0') + '\1';  // sid 0, n 1
  return out + body + heap;
}

// HELLO: [0, boot, "x", "y", ["hold"], 1, nil, 1, 0, nil].
std::string hello() {
  return frame(1, 1, std::string("\x9A\x00\xC4\x10", 4) + std::string(16, 'b') +
                         std::string("\xA1x\xA1y\x91\xA4hold\x01\xC0\x01\x00\xC0", 15));
}

// One ZeroMQ peer that says what nobody may. The socket dies with it, the messages may not:
// it lingers until they are out.
class Enemy {
 public:
  explicit Enemy(std::uint16_t port, zmq::socket_type type = zmq::socket_type::dealer,
                 const std::string& routing_id = {})
      : socket_(context(), type) {
    socket_.set(zmq::sockopt::linger, 2000);
    socket_.set(zmq::sockopt::sndtimeo, 5000);
    if (!routing_id.empty()) socket_.set(zmq::sockopt::routing_id, routing_id);
    socket_.connect("tcp://127.0.0.1:" + std::to_string(port));
  }
  void say(const std::string& bytes) { say_part(bytes, zmq::send_flags::none); }
  void say_part(const std::string& bytes, zmq::send_flags flags = zmq::send_flags::sndmore) {
    static_cast<void>(socket_.send(zmq::buffer(bytes), flags));
  }

 private:
  static zmq::context_t& context() {
    static zmq::context_t one;
    return one;
  }
  zmq::socket_t socket_;
};

// Bytes that are no ZeroMQ. Whether the other side hangs up or waits is its affair.
void say_tcp(std::uint16_t port, const std::string& bytes) {
  const int fd = connect_to("127.0.0.1", port);
  if (fd < 0) return;
  (void)!::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  ::close(fd);
}

void say_all_that_is_wrong(std::uint16_t port, Random& random) {
  for (int i = 0; i < 40; ++i) {
    Enemy enemy(port);  // a new one each time: three bad frames, and nobody listens to it
    enemy.say(random_bytes(random, random() % 300));
    std::string garbled = hello();
    garbled[random() % garbled.size()] = static_cast<char>(random());
    enemy.say(garbled);
  }
  const std::string good = hello();
  for (std::size_t length = 0; length < good.size(); ++length)
    Enemy(port).say(good.substr(0, length));
  Enemy(port).say(good + "more");
  Enemy(port).say(frame(2, 1, "\x90"));                    // a version of tomorrow
  Enemy(port).say("LS" + good.substr(2));                  // no magic
  Enemy(port).say(frame(1, 0x7E, "\x90"));                 // no such type
  Enemy(port).say(frame(1, 3, "\x90"));                    // too few elements
  Enemy(port).say(frame(1, 5, std::string(64, '\x91')));   // deep
  Enemy(port).say(frame(1, 1, "\xDD\xFF\xFF\xFF\xFF"));    // four billion elements
  Enemy(port).say(std::string(70'000, 'x'));               // beyond a small frame's limit
  Enemy(port).say(frame(1, 1, std::string(100'000, '\xC0')));
  Enemy(port).say(std::string(std::size_t{5} << 20, 'x'));  // beyond every frame's
  Enemy(port, zmq::socket_type::dealer, "chosen").say(good);
  Enemy(port, zmq::socket_type::req).say(good);
  Enemy parts(port);
  for (int i = 0; i < 5000; ++i) parts.say_part("part");
  parts.say("end");
  for (const zmq::socket_type type : {zmq::socket_type::push, zmq::socket_type::pub})
    Enemy wrong_kind(port, type);
}

void say_no_zeromq(std::uint16_t port, Random& random) {
  say_tcp(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  say_tcp(port, "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03");
  say_tcp(port, {});
  for (int i = 0; i < 40; ++i) say_tcp(port, random_bytes(random, 1 + random() % 2000));
  // A true greeting, and then noise.
  std::string greeting("\xFF\0\0\0\0\0\0\0\1\x7F\3\0NULL", 16);
  greeting.resize(64, '\0');
  for (int i = 0; i < 40; ++i) say_tcp(port, greeting + random_bytes(random, random() % 500));
  // READY of a DEALER, and a message that claims 2^63 bytes.
  const std::string ready("\4\x26\5READY\xBSocket-Type\0\0\0\6DEALER\x8Identity\0\0\0\0", 40);
  say_tcp(port, greeting + ready + std::string("\2\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9));
  std::string endless = greeting + ready;
  for (int i = 0; i < 3000; ++i) endless += std::string("\1\1x", 3);  // and never the last part
  say_tcp(port, endless);
}

}  // namespace

TEST_SUITE("e2e: hostile peers") {
  TEST_CASE("nothing that is sent to any port does harm, and status counts it") {
    HandlerCluster cluster({"--no-sync", "--heartbeat", "1s"});
    const std::vector<HandlerWorker> workers = cluster.handler_workers(2, 2);
    const std::vector<std::uint16_t> ports = listening_ports(cluster.ventilator->pid());
    REQUIRE(ports.size() == 4);  // control, the sink, and a lane for each worker
    Random random(20'231);
    cluster.hold(3000, [](int i) { return 100 + i * 7 % 900; });
    for (const std::uint16_t port : ports) {
      say_no_zeromq(port, random);
      say_all_that_is_wrong(port, random);
    }
    cluster.hold(1000, [](int) { return 100; });
    REQUIRE(cluster.wait_settled());
    CHECK(flaws(cluster.outcomes(), 4000) == "");
    REQUIRE(cluster.ventilator->running());
    REQUIRE(eventually([&] { return cluster.number("refused_frames", "multipart") > 0; }));
    const json refused = cluster.ask_status().at("refused_frames");
    for (const char* const kind : {"bad_frame", "bad_version", "bad_type", "too_large",
                                   "multipart", "foreign_routing_id"})
      CHECK_MESSAGE(refused.at(kind) > 0, kind);
    CHECK(cluster.worker_status("h1") != nullptr);
    CHECK(cluster.worker_status("h2") != nullptr);
    CHECK(cluster.end() == 0);
  }

  TEST_CASE("a sink tells how many frames it refused") {
    const TempFolder folder;
    Process sink(Words{sluice_program(), "sink", "--out", folder.file("o.jsonl")});
    REQUIRE(sink.prints("\n"));
    const std::vector<std::uint16_t> ports = listening_ports(sink.pid());
    REQUIRE(ports.size() == 1);
    Random random(20'232);
    say_no_zeromq(ports[0], random);
    say_all_that_is_wrong(ports[0], random);
    CHECK(sink.complains("frames refused"));
    sink.signal(SIGTERM);
    CHECK(sink.wait() == 0);
  }
}

}  // namespace sluice::e2e
