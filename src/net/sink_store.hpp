// sink_store.hpp: where the outcomes of a sink go: its handler, its file, or both.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <sluice/sink.hpp>

#include "core/collector.hpp"
#include "core/time.hpp"
#include "store/outcome_file.hpp"

namespace sluice::net {

/// Takes the outcomes of one turn, and says of each what became of it.
///
/// The handler is asked first; what it has taken goes into the file, and all of it is made
/// durable at once by finish(). Belongs to one thread.
class SinkStore {
 public:
  using Answers = std::span<const core::StoreAnswer>;

  /// `file` may be null, and `handler` empty, but not both.
  SinkStore(std::unique_ptr<store::OutcomeFile> file, Sink::Handler handler,
            std::function<void()> before_confirm);

  /// No handler is called after that moment in this turn: what is left is put off, so that
  /// producers hear from this sink in time.
  void begin(core::Time until) { until_ = until; }
  /// Nothing is kept of the views.
  void take(const core::StoreEntry& entry);
  /// Ends the turn: one answer for each take(), in order, good until the next take(). Throws Error
  /// when the file is closed for good.
  [[nodiscard]] Answers finish();

  /// Bytes of whole, committed lines in the file; 0 without one.
  [[nodiscard]] std::uint64_t file_size() const { return file_ ? file_->size() : 0; }

  /// Null without one.
  [[nodiscard]] store::OutcomeFile* file() const { return file_.get(); }
  [[nodiscard]] const store::OutcomeIndex* index() const {
    return file_ ? &file_->index() : nullptr;
  }

  /// What stands in the way of storing, for people; empty: nothing.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  core::StoreAnswer ask(const OutcomeView& outcome, bool terminal);
  [[nodiscard]] std::uint64_t delay_of(const core::TaskKey& task);
  [[nodiscard]] bool some_fail();
  void put_off(const std::string& why);
  [[nodiscard]] bool handler_has_stored();
  void write(const OutcomeView& outcome);

  std::unique_ptr<store::OutcomeFile> file_;
  Sink::Handler handler_;
  std::function<void()> before_confirm_;
  core::Time until_{};
  std::vector<core::StoreAnswer> answers_;
  bool given_out_ = false;  // answers_ are those of an earlier turn
  // Of what the handler failed with; all of it comes again.
  struct Failing {
    std::uint64_t times = 0;
    core::Time forget_at{};
  };
  std::map<core::TaskKey, Failing> failing_;
  std::string trouble_;
};

/// As a handler sees it. The views are those of the entry.
[[nodiscard]] OutcomeView view_of(const core::StoreEntry& entry);

}  // namespace sluice::net
