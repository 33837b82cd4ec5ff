// sink_loop_test.cpp: a sink and its producers on real sockets.
// SPDX-License-Identifier: MIT
#include <sluice/sink.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <sluice/error.hpp>

#include "core/message.hpp"
#include "net/clock.hpp"
#include "net/context.hpp"
#include "net/dealer.hpp"
#include "net/rig.hpp"
#include "support/temp_folder.hpp"
#include "wire/codec.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMaxFrame = 4 << 20;

// A producer of outcomes as a third party would write it: a DEALER and the codec.
class Producer {
 public:
  explicit Producer(const std::string& endpoint)
      : dealer_(net::Context::shared(), net::Endpoint::parse(endpoint), kMaxFrame) {}

  void send(core::Sid of, std::uint64_t n, core::Message message) {
    wire::Buffer buffer;
    wire::Codec::encode({of, n, std::move(message)}, buffer);
    REQUIRE(net::rig::send_when_connected(dealer_, core::as_text(buffer.bytes())));
  }
  void send_rubbish(std::string_view text) {
    REQUIRE(net::rig::send_when_connected(dealer_, text));
  }
  template <typename M>
  M expect() {
    const auto frame = net::rig::next_message(dealer_);
    REQUIRE(frame);
    wire::DecodeError error;
    const auto envelope = codec_.decode(*frame, pool_, error);
    REQUIRE(envelope);
    REQUIRE(std::holds_alternative<M>(envelope->message));
    sid = envelope->sid;
    return std::get<M>(envelope->message);
  }
  void open(std::string name = "w1") {
    core::SinkOpen hello;
    hello.boot = {1};
    hello.name = std::move(name);
    send(core::Sid{}, ++tries_, hello);
    expect<core::SinkOpened>();
  }
  // Sends the outcome of task `seq` under the same rsn.
  void outcome(std::uint64_t seq, std::string_view payload = "r") {
    core::Outcomes batch;
    batch.log = {0xA};
    batch.epoch = core::Epoch{1};
    batch.types = {"resize"};
    core::OutcomeEntry entry;
    entry.rsn = core::Rsn{seq};
    entry.seq = core::Seq{seq};
    entry.lease = core::Lease{1};
    entry.attempt = 1;
    entry.payload = core::as_bytes(payload);
    batch.entries = {entry};
    send(sid, ++count_, batch);
  }

  core::Sid sid{};

 private:
  net::Dealer dealer_;
  wire::Codec codec_{wire::Role::producer};
  core::EntryPool pool_;
  std::uint64_t tries_ = 0, count_ = 0;
};

std::vector<nlohmann::json> lines_of(const std::string& path) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(read_file(path));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}
SinkOptions with_file(const std::string& path) {
  SinkOptions options;
  options.file = path;
  return options;
}

}  // namespace

TEST_SUITE_BEGIN("sink_loop");

// PROTOCOL rule 4: "The sink stores, then confirms".
TEST_CASE("what a producer hears confirmed is in the file") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  Sink sink(with_file(path));
  Producer worker(sink.endpoint());
  worker.open();
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    worker.outcome(seq);
    const auto confirm = worker.expect<core::SinkConfirm>();
    REQUIRE(confirm.stored.size() == 1);
    CHECK(confirm.stored[0].first == core::Rsn{seq});
    CHECK(lines_of(path).size() == seq);
    CHECK(sink.stats().stored == seq);
  }
  CHECK(lines_of(path)[4]["seq"] == 5);
  CHECK(lines_of(path)[4]["worker"] == "w1");
  CHECK(lines_of(path)[4]["result"] == "r");
}

// Case 8: "sink restarts": the producer, the port and the file stay.
TEST_CASE("a restarted sink knows what its file holds, and goes on") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  SinkOptions options = with_file(path);
  auto sink = std::make_unique<Sink>(options);
  options.bind = sink->endpoint();
  {
    Producer worker(sink->endpoint());
    worker.open();
    worker.outcome(1);
    CHECK(worker.expect<core::SinkConfirm>().stored.size() == 1);
  }
  sink.reset();
  sink = std::make_unique<Sink>(options);
  CHECK(sink->stats().known == 1);
  Producer worker(sink->endpoint());
  worker.open();
  worker.outcome(1);
  const auto again = worker.expect<core::SinkConfirm>();
  REQUIRE(again.exceptions.size() == 1);
  CHECK(again.exceptions[0].code == core::Code::duplicate);
  worker.outcome(2);
  CHECK(worker.expect<core::SinkConfirm>().stored.size() == 1);
  CHECK(lines_of(path).size() == 2);
}

TEST_CASE("a torn last line is told") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  write_file(path, R"({"id":"0a)");
  const Sink sink(with_file(path));
  CHECK(sink.stats().opening_note.find("cut a torn last line of 9 bytes") == 0);
  CHECK(sink.stats().known == 0);
}

TEST_CASE("a handler decides: stored, later, never") {
  std::atomic<int> calls{0};
  SinkOptions options;
  const Sink sink(options, [&calls](const OutcomeView& view) {
    ++calls;
    if (view.id.seq == 2) throw Later(123ms);
    if (view.id.seq == 3) throw Reject("no");
  });
  Producer worker(sink.endpoint());
  worker.open();
  worker.outcome(1);
  CHECK(worker.expect<core::SinkConfirm>().stored.size() == 1);
  worker.outcome(2);
  const auto later = worker.expect<core::SinkConfirm>();
  REQUIRE(later.exceptions.size() == 1);
  CHECK(later.exceptions[0].code == core::Code::defer);
  CHECK(later.exceptions[0].retry_ms == 123);
  worker.outcome(3);
  const auto never = worker.expect<core::SinkConfirm>();
  REQUIRE(never.exceptions.size() == 1);
  CHECK(never.exceptions[0].code == core::Code::rejected);
  CHECK(calls == 3);
}

// What a handler has taken is known again only by a file.
TEST_CASE("after a restart a handler is asked again, unless a file says what it took") {
  const TempFolder folder;
  for (const bool file : {false, true}) {
    SinkOptions options;
    if (file) options.file = folder.file("out.jsonl");
    std::atomic<int> calls{0};
    const auto handler = [&calls](const OutcomeView&) { ++calls; };
    for (int life = 1; life <= 2; ++life) {
      Sink sink(options, handler);
      Producer worker(sink.endpoint());
      worker.open();
      worker.outcome(1);
      const auto confirm = worker.expect<core::SinkConfirm>();
      CHECK(confirm.stored.size() == (file && life == 2 ? 0U : 1U));
      CHECK(sink.stats().duplicates == (file && life == 2 ? 1U : 0U));
      CHECK(sink.stats().known == (file && life == 2 ? 1U : 0U));
    }
    CHECK(calls == (file ? 1 : 2));
  }
}

TEST_CASE("an orderly end leaves a checkpoint of a large file, and the next start uses it") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  const std::string large(1'000'000, 'x');
  SinkOptions options = with_file(path);
  options.sync = false;
  {
    Sink sink(options);
    Producer worker(sink.endpoint());
    worker.open();
    for (std::uint64_t seq = 1; seq <= 20; ++seq) {
      worker.outcome(seq, large);
      CHECK(worker.expect<core::SinkConfirm>().stored.size() == 1);
    }
    sink.stop();
    CHECK(sink.stats().checkpoints == 1);
    CHECK(sink.stats().checkpoint_trouble == "");
  }
  std::uint64_t told = 0;
  options.on_read_back = [&told](std::uint64_t, std::uint64_t) { ++told; };
  {
    Sink sink(options);
    CHECK(sink.stats().known == 20);
    CHECK(sink.stats().known_by_checkpoint == 20);
    CHECK(told == 0);
    Producer worker(sink.endpoint());
    worker.open();
    worker.outcome(7);
    CHECK(worker.expect<core::SinkConfirm>().exceptions.at(0).code == core::Code::duplicate);
  }
  options.checkpoint = false;
  const Sink whole(options);
  CHECK(whole.stats().known == 20);
  CHECK(whole.stats().known_by_checkpoint == 0);
  CHECK(told == 1);
}

TEST_CASE("rubbish is answered, counted, and does not disturb others") {
  SinkOptions options;
  Sink sink(options, [](const OutcomeView&) {});
  Producer honest(sink.endpoint());
  honest.open();
  Producer stranger(sink.endpoint());
  stranger.send_rubbish("hello");
  CHECK(stranger.expect<core::ErrorMessage>().code == core::Code::bad_frame);
  stranger.send_rubbish("hello");
  stranger.send_rubbish("hello");
  CHECK(stranger.expect<core::ErrorMessage>().retry_ms == 60'000);
  stranger.send_rubbish("hello");
  honest.outcome(1);
  CHECK(honest.expect<core::SinkConfirm>().stored.size() == 1);
  sink.stop();
  CHECK(sink.stats().refused_frames == 3);
}

TEST_CASE("a message of several frames is a bad frame") {
  SinkOptions options;
  const Sink sink(options, [](const OutcomeView&) {});
  net::rig::Stranger stranger(zmq::socket_type::dealer);
  stranger.connect(net::Endpoint::parse(sink.endpoint()));
  stranger.send_parts(3, "part");
  stranger.socket().set(zmq::sockopt::rcvtimeo, 10'000);
  zmq::message_t answer;
  REQUIRE(stranger.socket().recv(answer));
  wire::DecodeError error;
  core::EntryPool pool;
  const auto envelope =
      wire::Codec(wire::Role::producer)
          .decode({static_cast<const std::byte*>(answer.data()), answer.size()}, pool, error);
  REQUIRE(envelope);
  CHECK(std::get<core::ErrorMessage>(envelope->message).code == core::Code::bad_frame);
}

// A handler that writes to a database in one transaction a group.
TEST_CASE("the hook runs before the confirm leaves") {
  std::atomic<int> written{0}, committed{0};
  SinkOptions options;
  options.before_confirm = [&] { committed = written.load(); };
  const Sink sink(options, [&written](const OutcomeView&) { ++written; });
  Producer worker(sink.endpoint());
  worker.open();
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    worker.outcome(seq);
    worker.expect<core::SinkConfirm>();
    CHECK(committed == static_cast<int>(seq));
  }
}

TEST_CASE("two producers at once each hear of their own") {
  const TempFolder folder;
  Sink sink(with_file(folder.file("out.jsonl")));
  const auto produce = [&sink](std::uint64_t first) {
    Producer worker(sink.endpoint());
    worker.open("w" + std::to_string(first));
    std::uint64_t confirmed = 0;
    for (std::uint64_t seq = first; seq < first + 50; ++seq) worker.outcome(seq);
    while (confirmed < 50)
      for (const auto& range : worker.expect<core::SinkConfirm>().stored)
        confirmed += core::raw(range.last) - core::raw(range.first) + 1;
    return confirmed;
  };
  auto other = std::async(std::launch::async, produce, 1000);
  CHECK(produce(1) == 50);
  CHECK(other.get() == 50);
  sink.stop();
  CHECK(sink.stats().stored == 100);
  CHECK(lines_of(folder.file("out.jsonl")).size() == 100);
}

TEST_SUITE_END();
