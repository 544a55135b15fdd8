-- Numbers and tables: sieve, matrices, sorting, n bodies in a line, closures.
local function sieve(most)
  local is_prime, count = {}, 0
  for i = 2, most do is_prime[i] = true end
  for i = 2, most do
    if is_prime[i] then
      count = count + 1
      for j = i * i, most, i do is_prime[j] = false end
    end
  end
  return count
end

local function product(n)
  local a, b, trace = {}, {}, 0
  for i = 1, n do
    a[i], b[i] = {}, {}
    for j = 1, n do a[i][j], b[i][j] = i + j, i - j end
  end
  for i = 1, n do
    for j = 1, n do
      local sum = 0
      for k = 1, n do sum = sum + a[i][k] * b[k][j] end
      if i == j then trace = trace + sum end
    end
  end
  return trace
end

local function sorted(n)
  local seed, values = 7, {}
  for i = 1, n do
    seed = (seed * 16807) % 2147483647
    values[i] = seed
  end
  table.sort(values)
  return values[1] + values[n]
end

local function moved(steps)
  local at, speed = { 0.0, 1.0, 3.0, 7.0 }, { 0.0, 0.1, -0.1, 0.0 }
  for _ = 1, steps do
    for i = 1, 4 do
      for j = 1, 4 do
        if i ~= j then
          local away = at[j] - at[i]
          speed[i] = speed[i] + 1e-4 * away / (math.abs(away) ^ 3 + 0.01)
        end
      end
    end
    for i = 1, 4 do at[i] = at[i] + 1e-3 * speed[i] end
  end
  return at[1] + at[2] + at[3] + at[4]
end

print(sieve(1000000), product(130), sorted(150000), string.format("%.9f", moved(80000)))
