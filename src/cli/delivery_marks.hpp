// delivery_marks.hpp: which outcomes of a file have been delivered somewhere, a byte for each.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::cli {

/// A file beside an outcome file that says of each line whether it was printed, for instance. The
/// mark of the line at byte P is the byte P/128: a line is longer than that, so no two share one.
/// Marks are with the system when mark() returns; a power failure may lose the last ones, and
/// what they say is then done again. One thread at a time.
class DeliveryMarks {
 public:
  /// Opens or creates it; `fresh`: forgets what it held. Throws sluice::Error.
  DeliveryMarks(std::string path, bool fresh);
  ~DeliveryMarks();
  DeliveryMarks(const DeliveryMarks&) = delete;
  DeliveryMarks& operator=(const DeliveryMarks&) = delete;

  [[nodiscard]] bool marked(std::uint64_t place) const;
  /// Throws sluice::Error.
  void mark(std::uint64_t place) const;

 private:
  std::string path_;
  int fd_;
  mutable std::uint64_t block_ = 0;  // where buffer_ was read, for marked() in order
  mutable std::vector<char> buffer_;
};

}  // namespace sluice::cli
