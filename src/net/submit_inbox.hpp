// submit_inbox.hpp: tasks on their way from the threads of this process to the loop.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <sluice/task.hpp>

#include "core/message.hpp"
#include "net/wake.hpp"

namespace sluice::net {

/// Where submitting threads leave tasks, and the loop fetches them many at a time.
///
/// A task gets its number at once, from a block that the loop has reserved; the block
/// is also how the limits of the core hold submitters back. Thread safe; the functions
/// marked "loop" are for the loop's thread alone.
class SubmitInbox {
 public:
  static constexpr std::size_t kMostBytes = 32 * 1024 * 1024;  ///< waiting to be fetched

  enum class Result : std::uint8_t { taken, full, closed };

  /// `wake` is signalled when the loop should look; it must outlive the inbox.
  explicit SubmitInbox(Wake& wake) : wake_(wake) {}

  /// Told the number of a task before the loop can see the task; must not block.
  using Announce = std::function<void(core::Seq)>;

  /// Puts a task in; waits while there is no room (never `full`).
  [[nodiscard]] Result put(const Task& task, core::Seq& seq, const Announce& announce = {});
  /// The same without waiting.
  [[nodiscard]] Result try_put(const Task& task, core::Seq& seq, const Announce& announce = {});

  /// Waits for the loop's word on whether there are numbers left: true if there are.
  [[nodiscard]] bool await_numbers();

  /// loop: hands each waiting task to `each`, in order. Returns how many.
  std::size_t fetch(
      const std::function<void(core::Seq, std::string_view type, const core::SubmitEntry&)>& each);
  /// loop: true if submitters want (more) numbers. Asked every turn: there may be none to give.
  [[nodiscard]] bool wants_numbers();
  /// loop: `count` numbers from `first` on.
  void add_numbers(core::Seq first, std::uint32_t count);
  /// loop: there are none now.
  void no_numbers();
  /// loop: something came since it last looked, so it must not sleep.
  [[nodiscard]] bool has_work() const;
  /// Tasks put in and not fetched.
  [[nodiscard]] std::size_t waiting() const;
  /// Nobody can put anything from now on; all who wait return.
  void close();

 private:
  struct Waiting {
    core::Seq seq{};
    core::SubmitEntry entry;  // without its views
    std::uint32_t type_bytes = 0, key_bytes = 0;
    std::size_t payload_bytes = 0;
  };
  struct Block {
    std::uint64_t next = 0, end = 0;
  };
  Result put_locked(const Task& task, core::Seq& seq, const Announce& announce);
  void want_numbers();

  Wake& wake_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Waiting> waiting_;
  std::vector<std::byte> bytes_;  // type, key, payload of each, back to back
  std::vector<Block> blocks_;
  std::uint64_t answers_ = 0;  // of the loop, to wishes for numbers
  bool wanted_ = false;
  bool wanted_unseen_ = false;  // since the loop last asked
  bool closed_ = false;

  std::vector<Waiting> fetched_;  // loop
  std::vector<std::byte> fetched_bytes_;
};

}  // namespace sluice::net
