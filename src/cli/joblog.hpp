// joblog.hpp: GNU parallel's joblog, one line for each finished task.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cli {

/// One line of a joblog.
struct JobLogEntry {
  std::uint64_t seq = 0;
  std::string host = ":";              ///< ":" is this machine
  std::chrono::microseconds start{0};  ///< since the Unix epoch
  std::chrono::microseconds runtime{0};
  std::uint64_t sent = 0;      ///< bytes of input transferred to the host
  std::uint64_t received = 0;  ///< bytes of output transferred back
  int exit_code = 0;           ///< 0 for a task ended by a signal
  int signal = 0;
  std::string command;  ///< last and free text; may hold tabs and line breaks
};

/// The nine columns and their line end.
inline constexpr std::string_view kJobLogHeader =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

/// The line of an entry. As in GNU parallel, a line break in the command becomes a NUL byte, so
/// that an entry is one line. Tabs and line breaks in a host name become spaces.
[[nodiscard]] std::string joblog_line(const JobLogEntry& entry);

/// Reads a line (without its '\n'), sluice's own or GNU parallel's; nullopt if it is not one,
/// which the header is not either.
[[nodiscard]] std::optional<JobLogEntry> parse_joblog_line(std::string_view line);

/// Calls `each` for every line of a joblog but the header, in order; lines that are none, such as
/// comments, and a last one that was torn off are passed over. No file is an empty one. Throws
/// sluice::Error if it cannot be read, or if it has lines but not one of a joblog.
void read_joblog(const std::string& path, const std::function<void(const JobLogEntry&)>& each);

/// Writes a joblog. Every entry is handed to the system before write() returns. One thread at a
/// time.
class JobLog {
 public:
  enum class Open : std::uint8_t {
    fresh,   ///< what the file held is gone
    append,  ///< goes on behind it; a last line that was torn off is cut
  };

  /// Opens `path` and writes the header if the file is empty. Throws sluice::Error.
  JobLog(std::string path, Open open);
  ~JobLog();
  JobLog(const JobLog&) = delete;
  JobLog& operator=(const JobLog&) = delete;

  /// Throws sluice::Error if the line could not be written whole, for instance to a full disk.
  void write(const JobLogEntry& entry);

 private:
  void write_all(std::string_view text);
  void end_torn_line(std::int64_t size);

  std::string path_;
  int fd_;
};

}  // namespace sluice::cli
