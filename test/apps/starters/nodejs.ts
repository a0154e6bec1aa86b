import type { Starter } from '../starter.ts'

export const nodejs: Starter[] = [
  {
    name: 'Express: express-generator',
    pack: 'nodejs',
    script:
      'npm exec --yes express-generator -- --view=pug --git . && npm install --package-lock-only --ignore-scripts',
    path: '/users',
    expected: /respond with a resource/,
    always: true,
  },
  {
    name: 'React: create-vite',
    pack: 'nodejs',
    script:
      'npm exec --yes create-vite@latest -- site --template react --no-interactive && mv site/* site/.[a-z]* . && npm install --package-lock-only --ignore-scripts',
    path: '/any/page',
    expected: /<div id="root"><\/div>/,
  },
  {
    // Empty, because the full one fetches its fonts from elsewhere while it is built.
    name: 'Next.js: create-next-app',
    pack: 'nodejs',
    script: `npm exec --yes create-next-app@latest -- site --yes --empty --skip-install --disable-git --use-npm
      mv site/* site/.[a-z]* . && npm install --package-lock-only --ignore-scripts`,
    path: '/',
    expected: /Hello world!/,
  },
  {
    name: 'Next.js by itself: create-next-app, output: standalone',
    pack: 'nodejs',
    script: `npm exec --yes create-next-app@latest -- site --yes --empty --skip-install --disable-git --use-npm
      mv site/* site/.[a-z]* . && npm install --package-lock-only --ignore-scripts
      sed -i 's/= {/= { output: "standalone",/' next.config.ts`,
    path: '/',
    expected: /Hello world!/,
  },
  {
    name: 'SvelteKit: sv create',
    pack: 'nodejs',
    script: `npm exec --yes sv@latest -- create site --template minimal --types ts --no-add-ons --no-install
      cd site && npm exec --yes sv@latest -- add sveltekit-adapter=adapter:node --no-install --no-git-check
      cd .. && mv site/* site/.[a-z]* . && npm install --package-lock-only --ignore-scripts`,
    path: '/',
    expected: /Welcome to SvelteKit/,
  },
  {
    name: 'Nest: nest new',
    pack: 'nodejs',
    script: `npm exec --yes @nestjs/cli@latest -- new site --skip-git --skip-install --package-manager npm
      mv site/* site/.[a-z]* . && npm install --package-lock-only --ignore-scripts`,
    path: '/',
    expected: /Hello World!/,
  },
  {
    // Its generator, like the next two, takes the template from a host of code.
    name: 'Nuxt: its least app',
    pack: 'nodejs',
    script: `echo '{ "type": "module", "scripts": { "build": "nuxt build" } }' >package.json
      mkdir app && echo '<template><h1>Hello Nuxt!</h1></template>' >app/app.vue
      npm install --package-lock-only --ignore-scripts nuxt vue`,
    path: '/',
    expected: /<h1>Hello Nuxt!<\/h1>/,
  },
  {
    name: 'Astro: manual installation, with its adapter for Node.js',
    pack: 'nodejs',
    script: `echo '{ "type": "module", "scripts": { "build": "astro build" } }' >package.json
      mkdir -p src/pages && printf '%s\\n' --- '// Runs on the server' --- '<html><body><h1>My Astro Site</h1></body></html>' >src/pages/index.astro
      printf '%s\\n' "import { defineConfig } from 'astro/config'" "import node from '@astrojs/node'" \\
        "export default defineConfig({ output: 'server', adapter: node({ mode: 'standalone' }) })" >astro.config.mjs
      npm install --package-lock-only --ignore-scripts astro @astrojs/node`,
    path: '/',
    expected: /<h1>My Astro Site<\/h1>/,
  },
  {
    name: 'React Router: manual installation',
    pack: 'nodejs',
    script: `echo '{ "type": "module", "scripts": { "build": "react-router build" } }' >package.json
      printf '%s\\n' "import { reactRouter } from '@react-router/dev/vite'" "import { defineConfig } from 'vite'" \\
        'export default defineConfig({ plugins: [reactRouter()] })' >vite.config.js
      mkdir app && printf '%s\\n' 'import { Outlet, Scripts } from "react-router"' 'export default function App() {' \\
        '  return <html><body><h1>Hello world!</h1><Outlet /><Scripts /></body></html>' '}' >app/root.jsx
      echo 'export default []' >app/routes.js
      version=$(npm view @react-router/serve version)
      npm install --package-lock-only --ignore-scripts react react-dom isbot react-router@$version @react-router/{node,serve}@$version
      npm install --package-lock-only --ignore-scripts --save-dev vite @react-router/dev@$version`,
    path: '/',
    expected: /<h1>Hello world!<\/h1>/,
  },
]
