// sink_lookup.hpp: what a sink stored earlier, for those who ask for it late.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/collector.hpp"
#include "store/outcome_search.hpp"

namespace sluice::net {

/// Answers a Collector's lookups from the outcome file, some of it each turn, so that
/// nothing else has to wait long. Without a file all of it is gone. Belongs to one thread.
class SinkLookup {
 public:
  /// `path` may be empty: there is no file.
  explicit SinkLookup(const std::string& path,
                      store::Directory& directory = store::Directory::real()) {
    if (!path.empty()) search_.emplace(path, directory);
  }

  void add(const std::vector<core::TaskKey>& tasks);
  [[nodiscard]] bool busy() const { return !gone_.empty() || (search_ && search_->busy()); }
  /// Tells the core what it has found; `file_size` is the length of what is committed, `index`
  /// says where to look.
  void step(std::uint64_t file_size, core::Collector& core,
            const store::OutcomeIndex* index = nullptr);

 private:
  std::optional<store::OutcomeSearch> search_;
  std::vector<core::TaskKey> gone_;  // without a file
};

}  // namespace sluice::net
