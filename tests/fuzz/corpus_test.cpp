// corpus_test.cpp: what fuzzers have learnt, fed to them again as an ordinary test.
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "fuzz/fuzz.hpp"

namespace {

using sluice::fuzz::Target;
using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

struct Seed {
  std::string name;
  Bytes bytes;
};

// In the order of their names, so that a run is the same everywhere.
void add_folder(const fs::path& folder, std::vector<Seed>& seeds) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    seeds.push_back({entry.path().filename().string(),
                     Bytes(std::istreambuf_iterator<char>(file), {})});
  }
}
std::vector<Seed> corpus_of(const std::string& name) {
  std::vector<Seed> seeds;
  const fs::path data = SLUICE_TEST_DATA;
  add_folder(data / "fuzz" / "corpus" / name, seeds);
  if (name == "wire") add_folder(data / "wire" / "vectors", seeds);
  std::sort(seeds.begin(), seeds.end(),
            [](const Seed& a, const Seed& b) { return a.name < b.name; });
  return seeds;
}

void spoil(Bytes& bytes, sluice::core::Random& random) {
  const auto byte = [&] { return static_cast<std::uint8_t>(random.below(256)); };
  for (std::uint64_t times = 1 + random.below(4); times > 0; --times) {
    const auto at = static_cast<std::ptrdiff_t>(random.below(bytes.size() + 1));
    if (bytes.empty() || random.below(3) == 0)
      bytes.insert(bytes.begin() + at, byte());
    else if (random.below(4) == 0)
      bytes.resize(random.below(bytes.size() + 1));
    else
      bytes[random.below(bytes.size())] = byte();
  }
}

void feed(const Target& target, const std::string& name, const Bytes& bytes) {
  INFO("fuzz_", target.name, ", input ", name);
  CHECK_NOTHROW(target.run(bytes));
}

}  // namespace

TEST_SUITE("corpus") {
  TEST_CASE("every input of the corpus keeps the promises of its fuzzer") {
    CHECK(sluice::fuzz::targets().size() == SLUICE_FUZZERS);
    for (const Target& target : sluice::fuzz::targets()) {
      const std::vector<Seed> seeds = corpus_of(target.name);
      INFO("fuzz_", target.name);
      CHECK_FALSE(seeds.empty());
      for (const Seed& seed : seeds) feed(target, seed.name, seed.bytes);
    }
  }

  TEST_CASE("so do inputs that are a little different") {
    for (const Target& target : sluice::fuzz::targets()) {
      sluice::core::Random random(20'240'607);
      for (const Seed& seed : corpus_of(target.name)) {
        for (int i = 0; i < 4; ++i) {
          Bytes spoilt = seed.bytes;
          spoil(spoilt, random);
          feed(target, seed.name + ", change " + std::to_string(i), spoilt);
        }
      }
    }
  }
}
