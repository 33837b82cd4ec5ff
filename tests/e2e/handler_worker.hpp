// handler_worker.hpp: a worker process with handlers, and the diary it leaves.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/sluice.hpp>

namespace sluice::e2e {

/// A test program is its own worker: started again with only the test case of this name, it reads
/// from its environment whom to work for.
inline constexpr const char* kWorkerCase = "role of a worker process with handlers";

/// One line of a diary: 'S' as a task starts, 'E' as it ends, with the machine's monotonic clock.
struct DiaryEntry {
  char what = '?';
  std::uint64_t seq = 0, attempt = 0;
  std::int64_t ns = 0;
};

[[nodiscard]] inline std::vector<DiaryEntry> read_diary(const std::string& path) {
  std::vector<DiaryEntry> out;
  std::ifstream file(path);
  for (DiaryEntry e; file >> e.what >> e.seq >> e.attempt >> e.ns;) out.push_back(e);
  return out;
}

[[nodiscard]] inline std::int64_t monotonic_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

[[nodiscard]] inline std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

[[nodiscard]] inline std::int64_t number_in(const TaskView& task) {
  const std::string_view text(reinterpret_cast<const char*>(task.payload.data()),
                              task.payload.size());
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Takes every descriptor that this process can get, for so long: a handler that leaks them.
inline void hoard_descriptors(std::int64_t us) {
  std::vector<int> hoard;
  const std::int64_t end = monotonic_ns() + us * 1000;
  while (monotonic_ns() < end) {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
      hoard.push_back(fd);
    else
      ::poll(nullptr, 0, 1);
  }
  for (const int fd : hoard) ::close(fd);
}

/// Types: "hold" keeps its slot for as many microseconds as its payload says, "hoard" all
/// descriptors, too; "echo" returns its payload.
inline void run_handler_worker() {
  const std::string diary = variable("SLUICE_TEST_DIARY");
  const int fd = ::open(diary.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  WorkerOptions options;
  options.connect = variable("SLUICE_TEST_CONTROL");
  options.name = variable("SLUICE_TEST_NAME");
  options.slots = static_cast<std::uint32_t>(std::stoul(variable("SLUICE_TEST_SLOTS")));
  options.connect_timeout = std::chrono::seconds(30);
  Worker worker(options);
  const auto note = [fd](char what, const TaskView& task) {
    const std::string line = std::string(1, what) + ' ' + std::to_string(task.id.seq) + ' ' +
                             std::to_string(task.attempt) + ' ' + std::to_string(monotonic_ns()) +
                             '\n';
    if (::write(fd, line.data(), line.size()) < 0) throw std::runtime_error("no diary");
  };
  worker.on("hold", [note](const TaskView& task) {
    note('S', task);
    const std::int64_t us = number_in(task);
    const timespec length{us / 1'000'000, us % 1'000'000 * 1000};
    ::ppoll(nullptr, 0, &length, nullptr);
    note('E', task);
    return std::vector<std::byte>{};
  });
  worker.on("hoard", [note](const TaskView& task) {
    note('S', task);
    hoard_descriptors(number_in(task));
    note('E', task);
    return std::vector<std::byte>{};
  });
  worker.on("echo", [note](const TaskView& task) {
    note('S', task);
    std::vector<std::byte> same(task.payload.begin(), task.payload.end());
    note('E', task);
    return same;
  });
  worker.run();
  ::close(fd);
}

}  // namespace sluice::e2e
