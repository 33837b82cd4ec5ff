// client_loop_test.cpp: a client and a ventilator of the test's own, on real sockets.
// SPDX-License-Identifier: MIT
#include <sluice/client.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <sluice/access.hpp>
#include <sluice/error.hpp>

#include "core/message.hpp"
#include "net/clock.hpp"
#include "net/context.hpp"
#include "net/poll_set.hpp"
#include "net/rig.hpp"
#include "net/router.hpp"
#include "net/wake.hpp"
#include "support/temp_folder.hpp"
#include "wire/codec.hpp"

using namespace sluice;
using namespace std::chrono_literals;

namespace {

constexpr core::Log kLog{0xA};

// Answers each message by a function; its own thread, as a ventilator has.
class FakeVentilator {
 public:
  using Answer = std::function<std::optional<core::Message>(const core::Message&, std::uint64_t n)>;

  explicit FakeVentilator(Answer answer, const std::string& bind = "tcp://127.0.0.1:*")
      : answer_(std::move(answer)),
        router_(net::Context::shared(), net::Endpoint::parse(bind), 4 << 20),
        thread_([this] { run(); }) {}
  ~FakeVentilator() {
    stop_ = true;
    wake_.signal();
    thread_.join();
  }
  FakeVentilator(const FakeVentilator&) = delete;
  FakeVentilator& operator=(const FakeVentilator&) = delete;

  [[nodiscard]] std::string endpoint() const { return router_.endpoint().text(); }

  static core::ClientOpened opened() {
    core::ClientOpened message;
    message.log = kLog;
    message.epoch = core::Epoch{1};
    message.heartbeat_ms = 250;
    message.dead_ms = 1000;
    message.max_frame = 4 << 20;
    message.max_entries = 4096;
    message.tasks_limit = 1'000'000;
    message.bytes_limit = 1 << 30;
    message.durable = true;
    return message;
  }

 private:
  void run() {
    net::PollSet poll;
    wire::Codec codec(wire::Role::ventilator);
    core::EntryPool pool;
    while (!stop_) {
      poll.clear();
      poll.watch(router_.pollable());
      poll.watch_fd(wake_.fd());
      wake_.going_to_sleep();
      if (!stop_) poll.wait(net::Clock::now() + 10s);
      wake_.awake();
      while (const auto in = router_.receive()) {
        wire::DecodeError error;
        const auto envelope = codec.decode(in->frame, pool, error);
        if (!envelope) continue;
        auto message = answer_(envelope->message, envelope->n);
        if (!message) continue;
        wire::Buffer buffer;
        wire::Codec::encode({core::Sid{1}, envelope->n, std::move(*message)}, buffer);
        static_cast<void>(router_.send(in->from, buffer.bytes()));
      }
    }
  }

  Answer answer_;
  net::Router router_;
  net::Wake wake_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Takes everything: seqs from 1 in the order of arrival.
struct Taker {
  std::uint64_t seq = 0;
  std::optional<core::Message> operator()(const core::Message& message, std::uint64_t) {
    if (std::holds_alternative<core::ClientOpen>(message)) return FakeVentilator::opened();
    if (std::holds_alternative<core::ClientBeat>(message))
      return core::ClientBeaten{1'000'000, 1 << 30};
    if (const auto* submit = std::get_if<core::Submit>(&message)) {
      const core::Seq first{seq + 1};
      seq += submit->entries.size();
      return core::SubmitConfirm{first, {}, 1'000'000, 1 << 30};
    }
    return std::nullopt;
  }
};

ClientOptions to(const std::string& endpoint) {
  ClientOptions options;
  options.connect = endpoint;
  options.connect_timeout = 10s;
  return options;
}
Task task(std::string key = {}) {
  Task out;
  out.type = "resize";
  out.key = std::move(key);
  return out;
}

// What a client was told, from its thread.
struct Told {
  Client::OnConfirm callback() {
    return [this](const Confirmation& each) {
      const std::scoped_lock lock(mutex);
      all.push_back(each);
    };
  }
  std::mutex mutex;
  std::vector<Confirmation> all;
};

}  // namespace

TEST_SUITE_BEGIN("client_loop");

TEST_CASE("submitted tasks are confirmed with their numbers") {
  const FakeVentilator ventilator(Taker{});
  Told told;
  {
    Client client(to(ventilator.endpoint()), told.callback());
    CHECK(client.durable());
    CHECK(client.log() == kLog);
    for (std::uint64_t i = 1; i <= 1000; ++i) CHECK(client.post(task()) == i);
    CHECK(client.wait_confirmed(10s));
    CHECK(client.unconfirmed() == 0);
  }
  REQUIRE(told.all.size() == 1000);
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    CHECK(told.all[i - 1].ticket == i);
    CHECK(told.all[i - 1].kind == Confirmation::Kind::taken);
    CHECK(told.all[i - 1].id == TaskId{kLog, i});
  }
}

TEST_CASE("duplicates, conflicts and refusals are told apart") {
  const FakeVentilator ventilator(
      [taker = Taker{}](const core::Message& m, std::uint64_t n) mutable {
        if (!std::holds_alternative<core::Submit>(m)) return taker(m, n);
        const auto& keys = std::get<core::Submit>(m).entries;
        core::SubmitConfirm confirm{core::Seq{10}, {}, 1000, 1 << 20};
        for (std::uint32_t i = 0; i < keys.size(); ++i) {
          if (keys[i].key == "known")
            confirm.exceptions.push_back({i, core::Code::duplicate, core::Seq{5}});
          if (keys[i].key == "other")
            confirm.exceptions.push_back({i, core::Code::conflict, core::Seq{}});
          if (keys[i].key == "late")
            confirm.exceptions.push_back({i, core::Code::draining, core::Seq{}});
        }
        return std::optional<core::Message>(confirm);
      });
  Told told;
  {
    Client client(to(ventilator.endpoint()), told.callback());
    for (const char* key : {"known", "other", "late"}) client.post(task(key));
    CHECK(client.wait_confirmed(10s));
  }
  REQUIRE(told.all.size() == 3);
  CHECK(told.all[0].kind == Confirmation::Kind::duplicate);
  CHECK(told.all[0].id.seq == 5);
  CHECK(told.all[1].kind == Confirmation::Kind::conflict);
  CHECK(told.all[2].kind == Confirmation::Kind::refused);
  CHECK(told.all[2].why == "the ventilator takes no more tasks");
}

// Case 22: the connection goes with the CONFIRM still owed; the next ventilator has the same log.
TEST_CASE("what was not confirmed is sent again to the ventilator that comes back") {
  std::string endpoint;
  std::vector<std::uint64_t> numbers;
  std::atomic<bool> seen{false};
  auto silent = std::make_unique<FakeVentilator>(
      [&, taker = Taker{}](const core::Message& m, std::uint64_t n) mutable {
        if (!std::holds_alternative<core::Submit>(m)) return taker(m, n);
        numbers.push_back(n);
        seen = true;
        return std::optional<core::Message>();  // never confirms
      });
  endpoint = silent->endpoint();
  Told told;
  Client client(to(endpoint), told.callback());
  client.post(task("k"));
  REQUIRE(net::rig::wait_until({}, [&] { return seen.load(); }));
  CHECK_FALSE(client.wait_confirmed(0ms));
  silent.reset();
  auto back = std::make_unique<FakeVentilator>(
      [&, taker = Taker{}](const core::Message& m, std::uint64_t n) mutable {
        if (std::holds_alternative<core::Submit>(m)) numbers.push_back(n);
        return taker(m, n);
      },
      endpoint);
  CHECK(client.wait_confirmed(30s));
  back.reset();                                        // its thread has ended
  CHECK(numbers == std::vector<std::uint64_t>{1, 1});  // the same SUBMIT
}

TEST_CASE("a question is answered by the ventilator's words or an error") {
  const FakeVentilator ventilator(
      [taker = Taker{}](const core::Message& m, std::uint64_t n) mutable {
        if (const auto* query = std::get_if<core::Query>(&m)) {
          if (query->verb == "status")
            return std::optional<core::Message>(
                core::Reply{core::Code::ok, R"({"workers":)" + query->args.at(0) + "}"});
          if (query->verb == "silence") return std::optional<core::Message>();
          return std::optional<core::Message>(core::Reply{core::Code::bad_type, "no such verb"});
        }
        if (const auto* cancel = std::get_if<core::CancelTasks>(&m)) {
          core::CancelReply reply;
          for (const core::Seq seq : cancel->seqs)
            reply.answers.push_back(
                {seq, core::raw(seq) % 2 == 0 ? core::Code::ok : core::Code::expired});
          return std::optional<core::Message>(reply);
        }
        return taker(m, n);
      });
  Client client(to(ventilator.endpoint()));
  CHECK(client.query("status", {"7"}, 10s) == R"({"workers":7})");
  CHECK_THROWS_WITH_AS(static_cast<void>(client.query("nonsense", {}, 10s)),
                       doctest::Contains("no such verb"), Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(client.query("silence", {}, 50ms)),
                       doctest::Contains("within 50 ms"), Error);
  CHECK(client.cancel({1, 2, 3, 4}, 10s) == std::vector<bool>{false, true, false, true});
  std::vector<std::uint64_t> many(5000, 2);
  many.back() = 1;
  const std::vector<bool> answers = client.cancel(many, 10s);
  REQUIRE(answers.size() == 5000);
  CHECK(answers[4998]);
  CHECK_FALSE(answers[4999]);
}

TEST_CASE("a caller blocked by backpressure is let go when the client is stopped by its failure") {
  const FakeVentilator ventilator(Taker{});
  ClientOptions options = to(ventilator.endpoint());
  Client client(options, [](const Confirmation&) { throw std::runtime_error("callback broke"); });
  client.post(task());
  CHECK_THROWS_WITH(static_cast<void>(client.wait_confirmed(10s)), "callback broke");
  CHECK_THROWS_WITH(client.post(task()), "callback broke");
  CHECK_THROWS_WITH(static_cast<void>(client.query("status", {}, 1s)), "callback broke");
}

TEST_CASE("a callback may throw anything: it ends the client, not the program") {
  const FakeVentilator ventilator(Taker{});
  Client client(to(ventilator.endpoint()), [](const Confirmation&) { throw 42; });
  client.post(task());
  CHECK_THROWS_AS(static_cast<void>(client.wait_confirmed(10s)), int);
  CHECK_THROWS_AS(client.post(task()), int);
}

TEST_CASE("submitting from several threads gives each task its own ticket and answer") {
  const FakeVentilator ventilator(Taker{});
  ClientOptions options = to(ventilator.endpoint());
  options.max_unconfirmed = 64;  // so that they block, too
  Told told;
  {
    Client client(options, told.callback());
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&client] {
        for (int i = 0; i < 500; ++i) client.post(task());
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(client.wait_confirmed(10s));
  }
  std::vector<bool> seen(2001);
  for (const Confirmation& each : told.all) seen.at(each.id.seq) = true;
  CHECK(told.all.size() == 2000);
  CHECK(std::count(seen.begin(), seen.end(), true) == 2000);
}

TEST_CASE("a client whose ventilator went without a word waits as long as it may, and says so") {
  auto ventilator = std::make_unique<FakeVentilator>(Taker{});
  ClientOptions options = to(ventilator->endpoint());
  options.reconnect_timeout = 300ms;
  Client client(options);
  ventilator.reset();
  client.post(task());
  CHECK_THROWS_WITH_AS(static_cast<void>(client.wait_confirmed(30s)),
                       doctest::Contains("has been away for 300 ms"), Error);
}

TEST_CASE("a client whose ventilator is gone for good says so instead of waiting") {
  const TempFolder folder;
  const std::string path = folder.file("access.json");
  Access access = Access::of_this_process();
  auto ventilator = std::make_unique<FakeVentilator>(Taker{});
  access.control = ventilator->endpoint();
  access.write(path);
  ClientOptions options = to(ventilator->endpoint());
  options.access_file = path;
  Client client(options);
  ventilator.reset();
  CHECK(access.remove(path));
  client.post(task());
  CHECK_THROWS_WITH_AS(static_cast<void>(client.wait_confirmed(30s)),
                       doctest::Contains("has ended"), Error);
}

TEST_SUITE_END();
