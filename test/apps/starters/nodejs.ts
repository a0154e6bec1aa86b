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
]
