// supervisor_test.cpp: bytes in bulk, in all directions, without a deadlock.
// SPDX-License-Identifier: MIT
#include "exec/supervisor.hpp"

#include <sys/resource.h>

#include <set>

#include "exec/rig.hpp"

namespace sluice::exec {
namespace {

using namespace test;  // NOLINT: the whole file speaks of the rig

std::string all_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i % 251);
  return bytes;
}

}  // namespace

TEST_SUITE_BEGIN("supervisor");

TEST_CASE("long binary input and output pass unchanged") {
  Rig rig;
  Command command = program({"cat"});
  command.input = all_bytes(1'000'000);
  const CommandResult result = rig.run(command);
  CHECK(result.out == command.input);
  CHECK(result.out_cut == 0);
}

TEST_CASE("output beyond the limit is dropped and counted, and never blocks the command") {
  Rig rig;
  const CommandResult result = rig.run(shell("head -c 100000000 /dev/zero; echo done >&2"));
  CHECK(result.ok());
  CHECK(result.out == std::string(1 << 20, '\0'));
  CHECK(result.out_cut == 100'000'000 - (1 << 20));
  CHECK(result.err == "done\n");
}

TEST_CASE("a command can ask for less output, or for more up to what a result holds") {
  CommandOptions options;
  options.output_limit = 1000;
  options.max_result_bytes = 1 << 20;
  Rig rig(options);
  Command command = shell("head -c 2000000 /dev/zero; head -c 2000000 /dev/zero >&2");
  CHECK(rig.run(command).out.size() == 1000);
  command.output_limit = 10;
  CHECK(rig.run(command).err.size() == 10);

  command.output_limit = 1ULL << 60;
  command.display = std::string(200'000, 'd');
  rig.start(command);
  const Finished finished = rig.next();
  CHECK(finished.result.size() <= (1 << 20));
  const CommandResult result = Rig::result_of(finished);
  CHECK(result.out.size() > 400'000);
  CHECK(result.out.size() + result.out_cut == 2'000'000);
  CHECK(result.err.size() + result.err_cut == 2'000'000);
}

TEST_CASE("input that the command does not read is no failure") {
  Rig rig;
  Command command = shell("exec <&-; echo fine");
  command.input = all_bytes(5'000'000);
  const CommandResult result = rig.run(command);
  CHECK(result.ok());
  CHECK(result.out == "fine\n");
}

TEST_CASE("a command that closes its output early still runs to its end") {
  const TempFolder folder;
  Rig rig;
  const CommandResult result =
      rig.run(shell("exec >&- 2>&-; sleep 0.05; echo x > " + folder.file("made") + "; exit 7"));
  CHECK(result.end == End::exited);
  CHECK(result.exit_code == 7);
  CHECK(std::filesystem::exists(folder.file("made")));
}

// All payloads are handed over before anything is received, and all results
// are larger than the socket's buffers.
TEST_CASE("both sides can have much to send at once") {
  constexpr std::size_t kSlots = 12;
  CommandOptions options;
  options.slots = kSlots;
  Rig rig(options);
  Command command = program({"cat"});
  command.input = all_bytes(900'000);
  std::set<std::uint64_t> tokens;
  for (std::size_t i = 0; i < kSlots; ++i) tokens.insert(rig.start(command));
  for (std::size_t i = 0; i < kSlots; ++i) {
    const Finished finished = rig.next();
    CHECK(Rig::result_of(finished).out == command.input);
    CHECK(tokens.erase(finished.token) == 1);
  }
  CHECK(tokens.empty());
}

TEST_CASE("with too few descriptors some commands are not started and all are answered") {
  constexpr std::size_t kSlots = 30;
  const TempFolder folder;
  REQUIRE(::mkfifo(folder.file("gate").c_str(), 0600) == 0);
  const UniqueFd gate(::open(folder.file("gate").c_str(), O_RDWR | O_CLOEXEC));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit tight = before;
  tight.rlim_cur = 40;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  CommandOptions options;
  options.slots = kSlots;
  Rig rig(options);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  for (std::size_t i = 0; i < kSlots; ++i) rig.start(shell("read x < " + folder.file("gate")));
  const Finished refused = rig.next();  // the others wait at the gate
  CHECK(refused.end == End::not_started);
  CHECK(refused.error.find("Too many open files (raise the limit") != std::string::npos);
  REQUIRE(::write(gate.get(), std::string(kSlots, '\n').data(), kSlots) == kSlots);
  std::size_t done = 0;
  while (rig.runner.under_way() > 0) done += rig.next().ok ? 1U : 0U;
  CHECK(done > 0);
  CHECK(done < kSlots);
  CHECK(rig.run(program({"true"})).ok());
}

TEST_SUITE_END();

}  // namespace sluice::exec
