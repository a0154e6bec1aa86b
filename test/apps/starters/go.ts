import type { Starter } from '../starter.ts'

export const go: Starter[] = [
  {
    name: 'helloserver of golang.org/x/example',
    pack: 'go',
    script: `export HOME=/tmp GOFLAGS=-modcacherw
      cp -r "$(go mod download -json golang.org/x/example@latest | sed -nE 's/.*"Dir": "(.*)".*/\\1/p')"/helloserver/. .
      chmod -R u+w . && echo 'web: bin/helloserver -addr 0.0.0.0:$PORT' > Procfile`,
    path: '/',
    expected: /Hello, Gopher!/,
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
