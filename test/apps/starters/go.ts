import type { Starter } from '../starter.ts'

export const go: Starter[] = [
  {
    name: 'chi: its first example',
    pack: 'go',
    script: `export HOME=/tmp GOFLAGS=-modcacherw
      cp "$(go mod download -json github.com/go-chi/chi/v5@latest | sed -nE 's/.*"Dir": "(.*)".*/\\1/p')"/_examples/hello-world/main.go .
      sed -i 's/":3333"/":" + os.Getenv("PORT")/; s/^import (/import (\\n"os"/' main.go
      go mod init example.com/hello && go mod tidy`,
    path: '/',
    expected: /hello world/,
  },
  {
    name: 'Gin: quick start',
    pack: 'go',
    script: `export HOME=/tmp GOFLAGS=-modcacherw
      printf '%s\\n' 'package main' '' 'import (' '  "net/http"' '' '  "github.com/gin-gonic/gin"' ')' '' 'func main() {' \\
        '  r := gin.Default()' '  r.GET("/ping", func(c *gin.Context) {' \\
        '    c.JSON(http.StatusOK, gin.H{' '      "message": "pong",' '    })' '  })' '  r.Run()' '}' > main.go
      go mod init example.com/ping && go mod tidy`,
    path: '/ping',
    expected: /"message":"pong"/,
  },
]
