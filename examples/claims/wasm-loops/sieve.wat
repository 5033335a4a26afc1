;; How many primes are below n: a sieve of Eratosthenes over bytes, n at most 8 MiB.
(module
  (memory (export "memory") 128)
  (func (export "primes") (param $n i32) (result i32)
    (local $i i32) (local $k i32) (local $count i32)
    ;; composite[0..n) = 0
    (memory.fill (i32.const 0) (i32.const 0) (local.get $n))
    (local.set $i (i32.const 2))
    (block $end
      (loop $numbers
        (br_if $end (i32.ge_u (local.get $i) (local.get $n)))
        (if (i32.eqz (i32.load8_u (local.get $i)))
          (then
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (local.set $k (i32.add (local.get $i) (local.get $i)))
            (block $marked
              (loop $multiples
                (br_if $marked (i32.ge_u (local.get $k) (local.get $n)))
                (i32.store8 (local.get $k) (i32.const 1))
                (local.set $k (i32.add (local.get $k) (local.get $i)))
                (br $multiples)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $numbers)))
    (local.get $count)))
