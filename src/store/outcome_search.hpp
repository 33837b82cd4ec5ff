// outcome_search.hpp: finds single outcomes in a file, a slice at a time.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.hpp"
#include "store/directory.hpp"
#include "store/outcome_index.hpp"
#include "store/outcome_reader.hpp"

namespace sluice::store {

/// Reads through an outcome file from its start for all that is wanted at once, or through those
/// parts of it where an index says that it may stand; what is asked for meanwhile has to wait for
/// the next pass. It is for what happens seldom (a sink that has restarted, a client that comes
/// back late). Belongs to one thread.
class OutcomeSearch {
 public:
  using Found = std::function<void(const StoredOutcome&)>;
  using Missing = std::function<void(const core::TaskKey&)>;

  /// Opens the file if it is there: when something is asked for, no descriptor may be left.
  explicit OutcomeSearch(std::string path, Directory& directory = Directory::real())
      : path_(std::move(path)), directory_(directory), file_(directory_.open_to_read(path_)) {}
  OutcomeSearch(const OutcomeSearch&) = delete;
  OutcomeSearch& operator=(const OutcomeSearch&) = delete;

  /// Each is answered once, by a later step().
  void add(const core::TaskKey& task) { next_.insert(task); }
  [[nodiscard]] bool busy() const { return !wanted_.empty() || !next_.empty(); }

  /// Looks through some `bytes` more of the file's first `size` bytes, which must be whole lines,
  /// and at one line at least. A file that cannot be read has nothing in it. `index`, of the same
  /// file, is looked at when a pass begins.
  void step(std::size_t bytes, std::uint64_t size, const Found& found, const Missing& missing,
            const OutcomeIndex* index = nullptr);

 private:
  void begin(std::uint64_t size, const OutcomeIndex* index);
  void end(const Missing& missing);
  [[nodiscard]] bool read(std::size_t bytes);
  [[nodiscard]] bool next_part();

  const std::string path_;
  Directory& directory_;
  std::unique_ptr<File> file_;
  std::set<core::TaskKey> wanted_;  // in this pass
  std::set<core::TaskKey> next_;
  std::string buffer_;
  std::uint64_t at_ = 0;                   // file offset of the buffer's first byte
  std::vector<OutcomeIndex::Part> parts_;  // of this pass, the one at hand at the back
};

}  // namespace sluice::store
