// access_file.cpp: writing, finding, reading and removing the access file.
// SPDX-License-Identifier: MIT
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <sluice/access.hpp>
#include <sluice/error.hpp>

namespace sluice {
namespace {

using nlohmann::json;
using SystemTime = std::chrono::system_clock::time_point;

constexpr const char* kCure = "name the file that the ventilator wrote";

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

// The boot of this machine, and the namespace that process numbers count in. A container with
// the host's name but its own processes must not take a living ventilator for a dead one.
std::string process_space() {
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id") >> std::ws, boot);
  std::array<char, 64> space{};
  if (boot.empty() || ::readlink("/proc/self/ns/pid", space.data(), space.size() - 1) <= 0)
    return {};  // no /proc: nothing can be known
  return boot + "/" + space.data();
}

std::string as_text(SystemTime at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

SystemTime as_time(const std::string& text) {
  std::tm utc{};
  const char* const end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  // Beyond these years a clock of nanoseconds cannot tell the time.
  const bool is_told = end != nullptr && *end == '\0' && utc.tm_year >= 70 && utc.tm_year <= 355;
  if (!is_told) throw json::other_error::create(501, "not a time", nullptr);
  return std::chrono::system_clock::from_time_t(::timegm(&utc));
}

// What is not whole, or too large to be, is no number of a process or a version.
const json& whole_number(const json& file, const char* field) {
  const json& value = file.at(field);
  if (!value.is_number_integer()) throw json::other_error::create(501, "not whole", nullptr);
  return value;
}

std::string read_all(const std::string& path) {
  constexpr off_t kMostBytes = 1 << 20;
  struct stat info {};
  const bool is_there = ::stat(path.c_str(), &info) == 0;
  if (is_there && (!S_ISREG(info.st_mode) || info.st_size > kMostBytes || info.st_size == 0))
    throw Error(path + " is not an access file of sluice" +
                (info.st_size == 0 && S_ISREG(info.st_mode) ? " (it is empty)" : "") + ": " +
                kCure);
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!is_there || !file || !(text << file.rdbuf())) {
    if (errno == ENOENT)
      throw Error("there is no access file at " + path + ": start a ventilator with --access " +
                  path + ", or name its file with --access or SLUICE_ACCESS");
    throw Error("cannot read the access file " + path + ": " + std::strerror(errno));
  }
  return text.str();
}

void warn_about_mode(const std::string& path, std::vector<std::string>& warnings) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || (info.st_mode & 077) == 0) return;
  warnings.push_back("the access file " + path +
                     " is open to other users of this machine: chmod 600 " + path);
}

void write_whole(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Error(std::strerror(n < 0 ? errno : ENOSPC));
    done += static_cast<std::size_t>(n);
  }
  if (::fsync(fd) != 0) throw Error(std::strerror(errno));
}

}  // namespace

Access Access::of_this_process() {
  Access access;
  access.pid = ::getpid();
  access.host = host_name();
  access.process_space = sluice::process_space();
  access.started = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return access;
}

Access Access::read(const std::string& path) {
  Access access;
  const std::string text = read_all(path);
  try {
    const json file = json::parse(text);
    const int version = whole_number(file, "version").get<int>();
    if (version > kVersion)
      throw Error("the access file " + path + " is of version " + std::to_string(version) +
                  ", this program knows version " + std::to_string(kVersion) +
                  ": use a program as new as the ventilator");
    access.control = file.at("control").get<std::string>();
    if (file.contains("standbys"))
      access.standbys = file.at("standbys").get<std::vector<std::string>>();
    access.sinks = file.at("sinks").get<std::vector<std::string>>();
    access.log = file.at("log").get<std::string>();
    access.pid = whole_number(file, "pid").get<std::int64_t>();
    access.host = file.at("host").get<std::string>();
    access.process_space = file.at("process_space").get<std::string>();
    access.started = as_time(file.at("started").get<std::string>());
    access.durable = file.at("durable").get<bool>();
  } catch (const json::parse_error&) {
    throw Error(path + " is not an access file of sluice (it is not JSON): " + kCure);
  } catch (const json::exception&) {
    throw Error(
        path +
        " is not an access file of sluice (a field is missing or not of its kind): " + kCure);
  }
  return access;
}

Access Access::load(const std::string& path) {
  Access access = read(path);
  // One with a journal is started again, and who waits for it finds it.
  if (access.process_is_gone() && !access.durable)
    throw Error("the ventilator of the access file " + path + " is gone: it was process " +
                std::to_string(access.pid) + " on this host, started " + access.age() +
                " ago; start it again, or name another file");
  warn_about_mode(path, access.warnings);
  return access;
}

std::string Access::find(const std::string& given) {
  if (!given.empty()) return given;
  const char* const named = std::getenv("SLUICE_ACCESS");
  if (named != nullptr && *named != '\0') return named;
  throw Error(
      "no ventilator was named: give the access file that it wrote (--access FILE), or set "
      "SLUICE_ACCESS");
}

void Access::write(const std::string& path) const {
  const json file = {{"version", kVersion},
                     {"control", control},
                     {"standbys", standbys},
                     {"sinks", sinks},
                     {"log", log},
                     {"pid", pid},
                     {"host", host},
                     {"process_space", process_space},
                     {"started", as_text(started)},
                     {"durable", durable}};
  const std::string fresh = path + ".new-" + std::to_string(::getpid());
  ::unlink(fresh.c_str());  // of an earlier process of this number
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    throw Error("cannot write the access file " + path + ": " + std::strerror(errno) +
                "; name one in a folder that this user may write to");
  std::string problem;
  try {
    write_whole(fd, file.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  } catch (const Error& error) {
    problem = error.what();
  }
  ::close(fd);
  if (problem.empty() && ::rename(fresh.c_str(), path.c_str()) != 0) problem = std::strerror(errno);
  if (problem.empty()) return;
  ::unlink(fresh.c_str());
  throw Error("cannot write the access file " + path + ": " + problem);
}

bool Access::remove(const std::string& path) const {
  try {
    std::ifstream file(path, std::ios::binary);
    const json found = json::parse(file);
    if (found.at("log") != log || found.at("pid") != pid || found.at("host") != host) return false;
  } catch (const std::exception&) {
    return false;  // not there, or not one: then it is not ours
  }
  return ::unlink(path.c_str()) == 0;
}

bool Access::process_is_gone() const {
  if (process_space.empty() || host != host_name() || process_space != sluice::process_space())
    return false;
  return ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
}

std::string Access::age() const {
  using namespace std::chrono;
  const auto passed = duration_cast<seconds>(system_clock::now() - started).count();
  if (passed < 120) return std::to_string(passed < 0 ? 0 : passed) + " s";
  if (passed < 7200) return std::to_string(passed / 60) + " min";
  if (passed < 48 * 3600)
    return std::to_string(passed / 3600) + " h " + std::to_string(passed / 60 % 60) + " min";
  return std::to_string(passed / 86400) + " days";
}

}  // namespace sluice
