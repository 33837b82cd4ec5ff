// command_slots_test.cpp: commands take slots in order, and every one is reported once.
// SPDX-License-Identifier: MIT
#include "net/command_slots.hpp"

#include <doctest/doctest.h>

#include <poll.h>

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sluice/command.hpp>

#include "net/clock.hpp"

using namespace sluice;
using net::CommandReport;
using net::CommandSlots;
using net::Job;

namespace {

class Rig {
 public:
  explicit Rig(std::uint32_t count) : runner_(options(count)), slots(runner_, count) {
    slots.allow_until(soon());
  }
  static core::Time soon() { return net::Clock::now() + std::chrono::hours(1); }

  Job job(std::uint64_t number, std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    payloads_.push_back(command.encode());
    Job out;
    out.handle = static_cast<core::TaskHandle>(number);
    out.seq = static_cast<core::Seq>(number);
    out.payload = payloads_.back();
    return out;
  }
  /// The next report, as the worker's loop would wait for it.
  std::optional<CommandReport> next() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    CommandReport report;
    for (;;) {
      runner_.flush();
      if (slots.collect(report)) return report;
      if (!slots.alive() || std::chrono::steady_clock::now() > until) return std::nullopt;
      pollfd fd{runner_.fd(), static_cast<short>(runner_.wants_write() ? POLLIN | POLLOUT : POLLIN),
                0};
      ::poll(&fd, 1, 1000);
    }
  }
  static std::string output(const CommandReport& report) {
    const auto result = CommandResult::decode(report.finished.result);
    return result ? result->out : "no result";
  }

 private:
  static exec::CommandRunner::Options options(std::uint32_t count) {
    exec::CommandRunner::Options out;
    out.slots = count;
    return out;
  }
  std::deque<std::vector<std::byte>> payloads_;
  exec::CommandRunner runner_;

 public:
  CommandSlots slots;
};

}  // namespace

TEST_SUITE("command_slots") {
  TEST_CASE("as many run at a time as there are slots, the oldest first") {
    Rig rig(2);
    for (std::uint64_t i = 1; i <= 5; ++i)
      rig.slots.put(rig.job(i, {"sh", "-c", "echo $SLUICE_SLOT"}));
    rig.slots.start_queued(net::Clock::now());
    CHECK(rig.slots.running() == 2);
    CHECK(rig.slots.claimed() == 2);
    std::map<std::uint64_t, std::string> out;
    while (out.size() < 5) {
      const auto report = rig.next();
      REQUIRE(report.has_value());
      CHECK(out.emplace(core::raw(report->handle), Rig::output(*report)).second);
      rig.slots.start_queued(net::Clock::now());
      CHECK(rig.slots.running() <= 2);
    }
    for (const auto& [number, slot] : out) CHECK((slot == "1\n" || slot == "2\n"));
    CHECK(out.at(1) == "1\n");
    CHECK(out.at(2) == "2\n");
    CHECK(rig.slots.claimed() == 5);
  }

  // Rule 10: nothing starts after the instant last allowed.
  TEST_CASE("without permission nothing starts, and all can be taken back in order") {
    Rig rig(2);
    const core::Time now = net::Clock::now();
    rig.slots.allow_until(now - std::chrono::nanoseconds(1));
    for (std::uint64_t i = 1; i <= 3; ++i) rig.slots.put(rig.job(i, {"true"}));
    rig.slots.start_queued(now);
    CHECK(rig.slots.running() == 0);
    std::vector<core::TaskHandle> back;
    rig.slots.retract(2, back);
    CHECK(back == std::vector<core::TaskHandle>{core::TaskHandle{1}, core::TaskHandle{2}});
    CHECK(rig.slots.claimed() == 0);
    rig.slots.allow_until(now);
    rig.slots.start_queued(now);
    CHECK(rig.slots.claimed() == 1);
    REQUIRE(rig.next().has_value());
  }

  TEST_CASE("a job whose time to live is over is reported without being started") {
    Rig rig(1);
    Job late = rig.job(1, {"true"});
    const core::Time now = net::Clock::now();
    late.expires = now;
    rig.slots.put(late);
    CHECK_FALSE(rig.slots.has_reports());
    rig.slots.start_queued(now);
    CHECK(rig.slots.running() == 0);
    CHECK(rig.slots.has_reports());
    const auto report = rig.next();
    REQUIRE(report.has_value());
    CHECK(report->expired);
    CHECK(report->handle == core::TaskHandle{1});
    CHECK(rig.slots.claimed() == 1);
  }

  TEST_CASE("a cancelled command is reported as cancelled, and its slot is free") {
    Rig rig(1);
    rig.slots.put(rig.job(1, {"sleep", "1000"}));
    rig.slots.start_queued(net::Clock::now());
    rig.slots.cancel(core::TaskHandle{7});  // not ours: nothing happens
    rig.slots.cancel(core::TaskHandle{1});
    const auto report = rig.next();
    REQUIRE(report.has_value());
    CHECK(report->finished.end == CommandResult::End::cancelled);
    CHECK(rig.slots.running() == 0);
  }

  TEST_CASE("when the supervisor is killed, what ran is lost, and told once") {
    Rig rig(2);
    rig.slots.put(rig.job(1, {"sleep", "1000"}));
    rig.slots.put(rig.job(2, {"sh", "-c", "kill -9 $PPID; sleep 1000"}));
    rig.slots.start_queued(net::Clock::now());
    CHECK_FALSE(rig.next().has_value());
    CHECK_FALSE(rig.slots.alive());
    const auto lost = rig.slots.lost();
    CHECK(lost == std::vector<core::TaskHandle>{core::TaskHandle{1}, core::TaskHandle{2}});
    CHECK(rig.slots.lost().empty());
  }
}
