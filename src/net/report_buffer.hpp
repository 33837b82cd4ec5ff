// report_buffer.hpp: reports with their bytes, back to back.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include "net/job.hpp"

namespace sluice::net {

/// Keeps JobReports until they are collected; in a steady flow it allocates nothing.
class ReportBuffer {
 public:
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  void clear() {
    entries_.clear();
    bytes_.clear();
  }
  /// Copies error and result.
  void add(const JobReport& report) {
    const core::Bytes text = core::as_bytes(report.error);
    entries_.push_back({report, bytes_.size(), text.size(), report.result.size()});
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    bytes_.insert(bytes_.end(), report.result.begin(), report.result.end());
  }
  /// In the order they came. The views are good until the buffer changes.
  template <typename Each>
  void for_each(Each&& each) const {
    const core::Bytes bytes(bytes_);
    for (const Entry& entry : entries_) {
      JobReport report = entry.report;
      report.error = core::as_text(bytes.subspan(entry.at, entry.error_bytes));
      report.result = bytes.subspan(entry.at + entry.error_bytes, entry.result_bytes);
      each(report);
    }
  }

 private:
  struct Entry {
    JobReport report;  // without its views
    std::size_t at = 0, error_bytes = 0, result_bytes = 0;
  };
  std::vector<Entry> entries_;
  std::vector<std::byte> bytes_;
};

}  // namespace sluice::net
