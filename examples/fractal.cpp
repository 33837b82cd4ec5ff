// fractal.cpp: the Mandelbrot set in tiles, by worker processes, into a PNG.
// SPDX-License-Identifier: MIT
// prints: 96 tiles by 4 worker
//
//   fractal [picture.png [WORKERS]]
//
// The same program is the worker: it starts itself again with the address to connect to. Started
// by hand on other machines, with that address, it would help there, too.
#include <png.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <sluice/sluice.hpp>
#include <sluice/typed.hpp>

namespace {

constexpr int kWidth = 1200, kHeight = 800, kTile = 100;

struct Tile {
  int x = 0, y = 0;
  MSGPACK_DEFINE(x, y)
};
using Pixels = std::vector<unsigned char>;  // red, green, blue

Pixels render(const Tile& tile) {
  constexpr int kMost = 400;
  Pixels pixels;
  pixels.reserve(kTile * kTile * 3);
  for (int y = tile.y; y < tile.y + kTile; ++y)
    for (int x = tile.x; x < tile.x + kTile; ++x) {
      const std::complex<double> c(-2.2 + 3.0 * x / kWidth, -1.0 + 2.0 * y / kHeight);
      std::complex<double> z;
      int n = 0;
      for (; n < kMost && std::norm(z) < 1e4; ++n) z = z * z + c;
      const double steps = n + 1 - std::log2(std::log2(std::norm(z)) / 2);  // without bands
      const double t = n == kMost ? 0 : 1 - 1 / (1 + 0.04 * steps);
      for (const double share : {1.1 * t * t, 0.8 * t * t * t, 0.25 + 0.7 * t})
        pixels.push_back(static_cast<unsigned char>(n == kMost ? 0 : 255 * std::min(share, 1.0)));
    }
  return pixels;
}

int work(const char* endpoint) {
  sluice::Worker worker({.slots = 1});
  worker.on<Tile>("tile", render);
  worker.run(endpoint);  // until the pool has gone
  return 0;
}

pid_t start_worker(std::string endpoint) {
  std::string self = "/proc/self/exe", role = "worker";
  char* arguments[] = {self.data(), role.data(), endpoint.data(), nullptr};
  pid_t pid = 0;
  return ::posix_spawn(&pid, self.c_str(), nullptr, nullptr, arguments, environ) == 0 ? pid : -1;
}

bool write_png(const char* path, const Pixels& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = kWidth;
  image.height = kHeight;
  image.format = PNG_FORMAT_RGB;
  return png_image_write_to_file(&image, path, 0, picture.data(), 0, nullptr) != 0;
}

}  // namespace

int main(int count, char** words) try {
  if (count == 3 && std::string(words[1]) == "worker") return work(words[2]);
  const std::string path = count > 1 ? words[1] : "fractal.png";
  const int wanted = count > 2 ? std::atoi(words[2]) : 4;

  sluice::Pool pool;
  std::vector<pid_t> workers;
  for (int i = 0; i < wanted; ++i) workers.push_back(start_worker(pool.endpoint()));

  Pixels picture(kWidth * kHeight * 3);
  for (int y = 0; y < kHeight; y += kTile)
    for (int x = 0; x < kWidth; x += kTile)
      pool.submit("tile", Tile{x, y}, [&picture, x, y](const sluice::Outcome& outcome) {
        const auto pixels = outcome.as<Pixels>();
        for (int row = 0; row < kTile; ++row)
          std::copy_n(&pixels[static_cast<std::size_t>(row * kTile * 3)], kTile * 3,
                      &picture[static_cast<std::size_t>(((y + row) * kWidth + x) * 3)]);
      });
  pool.wait();
  std::cout << kWidth * kHeight / kTile / kTile << " tiles by " << wanted << " workers in " << path
            << '\n';
  pool.stop();
  for (const pid_t worker : workers) ::waitpid(worker, nullptr, 0);
  if (write_png(path.c_str(), picture)) return 0;
  std::cerr << "cannot write " << path << '\n';
  return 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
