#!/usr/bin/python3
"""Opens the report of a real run in a headless Chromium, from a file and without a network, and uses every control.

usage: report_browser.py DIFFINV SOURCE-FOLDER SCREENSHOT-FOLDER
"""

import base64
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

program, source, pictures = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])

JOB = """dataset = photos
model = {model}
seed = 3
steps = 6
batch = 1
method = sdedit, dps, ddpm
operator = box, gaussian_blur
sigma-y = 0.05, 0.2
[sdedit]
t-start = 300, 600
samples = 2
[ddpm]
samples = 2
[box]
size = 24
[gaussian_blur]
size = 9
"""

# One path on disk, "a</script><img …>": what a page would run if a name became markup.
HOSTILE = "a<", "script><img src=x onerror=window.is_hacked=1>\"'`]]>&amp;\x01\u202e.png"


def make_run(folder):
    """A real run of three photos, two with hostile names, and in its journal attempts that failed."""
    photos = folder / "photos"
    (photos / HOSTILE[0]).mkdir(parents=True)
    images = source / "jobs" / "quickstart" / "images"
    shutil.copy(images / "chelsea.png", photos / "chelsea.png")
    shutil.copy(images / "coffee.png", photos / HOSTILE[0] / HOSTILE[1])
    shutil.copy(images / "kodim07.png", photos / "<b>bold</b> \u2028 name.png".replace("/", ""))
    (folder / "job.ini").write_text(JOB.format(model=source / "jobs" / "quickstart" / "model"))
    subprocess.run([program, "run", folder / "job.ini", "--workers", "2", "--output", folder / "run"], check=True,
                   stdout=subprocess.DEVNULL)
    journal = folder / "run" / "journal.jsonl"
    begin = json.loads(journal.read_text().splitlines()[0])["time"]
    with journal.open("a") as file:
        for event, unit, rank, at, reason in (("assigned", 0, 3, 0.2, ""), ("failed", 0, 3, 0.8, "<b>disk</b> full"),
                                              ("assigned", 0, 3, 0.9, ""), ("died", 0, 3, 1.4, ""),
                                              ("quarantined", 0, 0, 1.5, "given up <i>for good</i>")):
            file.write(json.dumps({"event": event, "unit": unit, "rank": rank, "time": begin + at, "host": "node<7>",
                                   "reason": reason}) + "\n")
    subprocess.run([program, "report", folder / "run"], check=True, stdout=subprocess.DEVNULL)
    return folder / "run" / "report.html"


class ReportBrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.page = make_run(pathlib.Path(cls.folder.name))
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                         f"--user-data-dir={cls.folder.name}/profile"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        cls.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        cls.driver.execute_cdp_cmd("Network.enable", {})
        cls.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0})

    @classmethod
    def tearDownClass(cls):
        cls.driver.quit()
        cls.folder.cleanup()

    def setUp(self):
        self.open(1280, "light")

    def tearDown(self):
        """No test may leave an error in the console behind, nor run what stands in a name."""
        self.assertEqual(self.driver.get_log("browser"), [])
        self.assertIsNone(self.js("return window.is_hacked ?? null"))

    def open(self, width, theme):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                    {"features": [{"name": "prefers-color-scheme", "value": theme}]})
        self.size(width, 900)
        self.driver.get(self.page.as_uri())
        self.settle()

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def settle(self):
        """Waits until every layer has painted what it was last asked for."""
        self.driver.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => setTimeout(done, 60));")

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def see(self, selector):
        element = self.find(selector)
        self.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        return element

    def choose(self, selector, value):
        Select(self.see(selector)).select_by_value(str(value))
        self.settle()

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()
        self.settle()

    def canvas(self, selector):
        return self.js("return document.querySelector(arguments[0]).toDataURL()", selector)

    def look(self, name):
        return self.js(f"return look.{name}")

    # The page as a whole

    def test_is_one_file_below_its_limit_that_asks_for_nothing(self):
        self.assertLess(self.page.stat().st_size, 20_000_000)
        self.assertEqual(self.js("return performance.getEntriesByType('resource')"
                                 ".filter(one => !one.name.startsWith('data:')).map(one => one.name)"), [])
        self.assertEqual(self.js("return document.querySelectorAll('img, link, iframe, object, [onerror]').length"), 0)

    def test_page_policy_forbids_scripts_of_others(self):
        self.js("const bad = document.createElement('script'); bad.textContent = 'window.is_foreign = 1';"
                "document.body.append(bad)")
        self.assertIsNone(self.js("return window.is_foreign ?? null"))
        refused = self.driver.get_log("browser")
        self.assertEqual(len(refused), 1, refused)
        self.assertIn("Content Security Policy", refused[0]["message"])

    def test_hostile_names_are_seen_as_text(self):
        names = [option.get_attribute("textContent") for option in self.find_all("#look-image option")]
        self.assertEqual(len(names), 3)
        self.assertTrue(any("</script><img src=x onerror=" in name and "\u2401" in name and "\\u202e" in name
                            for name in names), names)
        self.assertTrue(any(name.startswith("<b>bold<b>") for name in names), names)
        self.assertIn("<b>disk</b> full", self.js(
            "return [...document.querySelectorAll('.gantt .failed')].map(one => one.getAttribute('aria-label')).join()"))

    def test_every_section_closes_and_opens_from_the_navigation(self):
        links = self.find_all("#sections a")
        self.assertEqual([link.text for link in links],
                         ["Results", "Trade-off", "Noise level", "Image by image", "Images", "Run", "Provenance"])
        for link in links:
            section = self.find(link.get_attribute("href")[link.get_attribute("href").index("#"):])
            self.js("arguments[0].querySelector('summary').focus({preventScroll: true})", section)
            self.keys(Keys.ENTER)
            self.assertFalse(section.get_property("open"))
            link.click()
            self.settle()
            self.assertTrue(section.get_property("open"))
            self.assertGreater(section.find_element(By.CSS_SELECTOR, ".body").size["height"], 100)
            self.js("scrollTo({top: 0, behavior: 'instant'})")
        for more in self.find_all("details.more"):
            self.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", more)
            more.find_element(By.CSS_SELECTOR, "summary").click()
            self.assertTrue(more.get_property("open"))

    def test_theme_follows_the_system_and_its_switch(self):
        paper = "return getComputedStyle(document.body).backgroundColor"
        self.assertEqual(self.js("return document.documentElement.dataset.theme"), "light")
        light, chart = self.js(paper), self.canvas("#tradeoff-chart")
        self.find("#theme").click()
        self.settle()
        self.assertNotEqual(self.js(paper), light)
        self.assertNotEqual(self.canvas("#tradeoff-chart"), chart)
        self.keys("d")
        self.assertEqual(self.js(paper), light)
        self.open(1280, "dark")
        self.assertNotEqual(self.js(paper), light)

    # The table

    def column(self, key):
        """Numbers or words of a column, of the first group."""
        return self.js("""
            const place = [...document.querySelectorAll('.results thead button')].findIndex(one => one.dataset.column === arguments[0]);
            const rows = [...document.querySelectorAll('.results tbody tr')], found = [];
            for (const row of rows.slice(1)) {
              if (row.classList.contains('group')) break;
              if (row.dataset.point) found.push(row.cells[place].querySelector('.value > span')?.textContent ?? row.cells[place].textContent);
            }
            return found;""", key)

    def test_table_sorts_by_every_column_both_ways(self):
        buttons = [button.get_attribute("data-column") for button in self.find_all(".results thead button")]
        self.assertEqual(buttons[:4], ["name", "psnr", "ssim", "lpips"])
        for key in buttons:
            self.see(f'.results button[data-column="{key}"]').click()
            once, sort = self.column(key), self.find(f'.results th:has(button[data-column="{key}"])').get_attribute("aria-sort")
            self.find(f'.results button[data-column="{key}"]').click()
            twice = self.column(key)
            number = (lambda text: text) if key == "name" else (
                lambda text: float(text.replace("\u2212", "-").replace("\u2013", "nan").replace(",", "")))
            values = [number(text) for text in once]
            if all(value == value for value in values):
                self.assertEqual(values, sorted(values, reverse=sort == "descending"), key)
                self.assertEqual([number(text) for text in twice], sorted(values, reverse=sort != "descending"), key)
            self.assertEqual(self.js("return document.activeElement.dataset.column"), key)
        self.see('.results button[data-column="psnr"]').click()
        self.assertEqual(self.find('.results th:has(button[data-column="psnr"])').get_attribute("aria-sort"), "descending",
                         "the best first")

    def test_table_marks_the_best_and_holds_the_numbers_of_the_run(self):
        bold = self.js("return getComputedStyle(document.querySelector('.results td.best .value > span')).fontWeight")
        self.assertEqual(bold, "700")
        for group in self.js("return data.groups.filter(one => !one.is_generation).map(one => one.number)"):
            self.choose("#table-group", group)
            shown = [float(text) for text in self.column("psnr")]
            best = self.js("return [...document.querySelectorAll('.results tr')].filter(row => row.cells[1]?.classList.contains('best'))"
                           ".map(row => Number(row.cells[1].querySelector('.value > span').textContent))")
            self.assertEqual(best, [max(shown)])
            self.assertEqual(len(self.find_all(".results .below.difference")) >= 3, True)
        self.see("#table-interval").click()
        self.assertEqual(self.find_all(".results .interval"), [])
        self.see("#table-difference").click()
        self.assertEqual(self.find_all(".results .difference"), [])
        self.choose("#table-group", "all")
        self.see("#table-grouped").click()
        self.assertEqual(self.find_all(".results tr.group"), [])
        self.assertEqual(len(self.find_all("#table tbody tr")), self.js("return data.points.length"))

    # Charts

    def test_charts_draw_what_is_chosen(self):
        for canvas, select, value in (("#tradeoff-chart", "#tradeoff-group", None), ("#tradeoff-chart", "#tradeoff-x", "nfe"),
                                      ("#noise-chart", "#noise-metric", "lpips"), ("#noise-chart", "#noise-operator", None),
                                      ("#strip-chart", "#strip-metric", "ssim"), ("#strip-chart", "#strip-group", None)):
            before = self.canvas(canvas)
            options = [option.get_attribute("value") for option in self.find_all(select + " option")]
            chosen = self.find(select).get_property("value")
            self.choose(select, value or next(one for one in options if one != chosen))
            self.assertNotEqual(self.canvas(canvas), before, select)
        self.assertIn("Pareto", self.find("#front").text)

    def test_pareto_front_is_that_of_its_definition(self):
        self.assertEqual(self.js("""
            const by = [{ value: p => p.x, is_better_higher: true }, { value: p => p.y, is_better_higher: false }];
            return pareto_front([{x: 1, y: 1}, {x: 2, y: 2}, {x: 1.5, y: 3}, {x: 0, y: 0}, {x: 1, y: 1}], by)"""),
            [{"x": 1, "y": 1}, {"x": 2, "y": 2}, {"x": 0, "y": 0}, {"x": 1, "y": 1}])

    def test_legend_hides_a_line_by_keyboard(self):
        before = self.canvas("#noise-chart")
        self.js("document.querySelector('#noise-legend button').focus()")
        self.keys(Keys.SPACE)
        self.assertEqual(self.find("#noise-legend button").get_attribute("aria-pressed"), "false")
        self.assertNotEqual(self.canvas("#noise-chart"), before)

    def test_differences_and_a_dot_that_leads_to_its_image(self):
        self.choose("#strip-against", self.find_all("#strip-against option")[1].get_attribute("value"))
        self.assertIn("difference", self.js("return charts['strip-chart'].options.scales.x.title.text"))
        self.choose("#strip-against", "")
        self.see("#strip-chart")
        place = self.js("""
            const chart = charts['strip-chart'], box = chart.canvas.getBoundingClientRect();
            const dot = chart.getDatasetMeta(1).data[2];
            return [dot.x - box.width / 2, dot.y - box.height / 2, chart.data.datasets[1].data[2].image]""")
        ActionChains(self.driver).move_to_element_with_offset(self.find("#strip-chart"), round(place[0]), round(place[1])).click().perform()
        self.settle()
        self.assertEqual(self.js("return entry().number"), place[2])

    # Images

    def drag(self, selector, x, y):
        element = self.see(selector)
        ActionChains(self.driver).move_to_element(element).click_and_hold().move_by_offset(x, y).release().perform()
        self.settle()

    def test_divider_follows_mouse_and_keyboard(self):
        self.drag("#divider", 100, 0)
        width = self.find("#stage").size["width"]
        self.assertAlmostEqual(self.look("divider"), 50 + 10000 / width, delta=1)
        clip = self.js("return getComputedStyle(document.getElementById('stage-right')).clipPath")
        self.assertIn(f"{self.look('divider'):.2f}"[:3], clip)
        at = self.look("divider")
        self.js("document.getElementById('divider').focus()")
        self.keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
        self.assertAlmostEqual(self.look("divider"), at - 2)
        self.keys(Keys.HOME)
        self.assertEqual(self.find("#divider").get_attribute("aria-valuenow"), "0")
        self.keys(Keys.PAGE_UP)
        self.assertEqual(self.look("divider"), 10)
        self.keys(Keys.END, "[")
        self.assertEqual(self.look("divider"), 95)

    def test_switches_method_image_and_measurement(self):
        before = self.canvas("#stage-right canvas"), self.find("#stage-right").get_attribute("data-shows")
        options = [option.get_attribute("value") for option in self.find_all("#look-right option")]
        other = next(one for one in options if one.startswith("point-") and one != before[1])
        self.choose("#look-right", other)
        self.assertEqual(self.find("#stage-right").get_attribute("data-shows"), other)
        self.assertNotEqual(self.canvas("#stage-right canvas"), before[0])
        name, left = self.find("#stage-name").text, self.canvas("#stage-left canvas")
        self.see("#look-next").click()
        self.settle()
        self.assertNotEqual(self.find("#stage-name").text, name)
        self.assertNotEqual(self.canvas("#stage-left canvas"), left)
        self.keys("k")
        self.assertEqual(self.find("#stage-name").text, name)
        self.assertEqual(self.canvas("#stage-left canvas"), left)
        group = self.look("group")
        self.keys("g")
        self.assertNotEqual(self.look("group"), group)
        self.keys("G", "t")
        self.assertEqual((self.look("group"), self.find("#stage-left").get_attribute("data-shows")), (group, "truth"))
        self.choose("#look-sample", 1)
        self.assertEqual(self.look("sample"), 1)

    def test_panels_show_every_method_and_put_themselves_on_the_stage(self):
        keys = [panel.get_attribute("data-key") for panel in self.find_all("#panels .panel")]
        self.assertEqual(keys[:2], ["truth", "measurement"])
        self.assertEqual(len(keys), self.js("return data.groups[look.group].points.reduce((sum, one) => sum + (one.posterior ? 3 : 1), 2)"))
        pictures = [self.js("return arguments[0].querySelector('canvas').toDataURL()", panel) for panel in self.find_all("#panels .panel")]
        self.assertEqual(len(set(pictures)), len(pictures), "no two panels are alike")
        panel = self.see(f'#panels .panel[data-key="{keys[2]}"]')
        panel.click()
        self.settle()
        self.assertEqual(self.find("#stage-right").get_attribute("data-shows"), keys[2])
        self.js("arguments[0].focus()", self.find(f'#panels .panel[data-key="{keys[3]}"]'))
        ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
        self.settle()
        self.assertEqual(self.find("#stage-left").get_attribute("data-shows"), keys[3])

    def test_truth_is_the_photo_pixel_by_pixel(self):
        """The page's pixels against the photo's own, read by the same browser."""
        chelsea = self.js("return entries().findIndex(one => one.name === 'chelsea.png')")
        self.choose("#look-image", chelsea)
        photo = base64.b64encode((source / "jobs/quickstart/images/chelsea.png").read_bytes()).decode()
        self.assertEqual(self.driver.execute_async_script("""
            const done = arguments[1], image = new Image();
            image.src = 'data:image/png;base64,' + arguments[0];
            image.decode().then(() => {
              const shown = document.querySelector('.panel[data-key=truth] canvas');
              const [one, other] = [pixels_of(image), shown.getContext('2d').getImageData(0, 0, shown.width, shown.height)];
              done(one.data.length === other.data.length ? Math.max(...one.data.map((value, i) => Math.abs(value - other.data[i]))) : -1);
            });""", photo), 0)

    def test_zoom_and_pan_move_all_panels_together(self):
        transforms = "return [...new Set([...document.querySelectorAll('.layer canvas')].map(one => {" \
                     "const m = new DOMMatrix(getComputedStyle(one).transform); return [m.a, (m.e / one.parentElement.getBoundingClientRect().width).toFixed(3)].join() }))]"
        self.assertEqual(self.js(transforms), ["1,0.000"])
        self.see("#zoom-in").click()
        self.assertEqual(self.js(transforms), ["1.5,-0.250"])
        self.keys("+")
        zoom, pan = self.look("zoom"), self.look("pan_x")
        self.assertEqual(zoom, 2.25)
        view = self.see("#panels .panel .view")
        ActionChains(self.driver).move_to_element(view).click_and_hold().move_by_offset(20, 0).release().perform()
        self.settle()
        self.assertAlmostEqual(self.look("pan_x"), pan + 20 / view.size["width"], places=2)
        self.assertEqual(len(self.js(transforms)), 1)
        self.assertNotEqual(self.find("#stage-right").get_attribute("data-shows"), "truth", "a drag is no click")
        ActionChains(self.driver).move_to_element(self.see("#stage-left")).move_by_offset(-100, 40).double_click().perform()
        self.assertEqual(self.look("zoom"), 4.5)
        self.keys("D")
        self.assertLess(self.look("pan_x"), 0)
        self.keys("0")
        self.assertEqual(self.js(transforms), ["1,0.000"])

    def test_error_maps_are_of_the_method_and_the_scale(self):
        key = self.find("#stage-right").get_attribute("data-shows")
        plain = self.canvas("#stage-right canvas")
        self.see("#look-error").click()
        self.settle()
        self.assertEqual(self.find("#stage-right").get_attribute("data-shows"), "error of " + key)
        wide = self.canvas("#stage-right canvas")
        self.assertNotEqual(wide, plain)
        self.choose("#look-top", "0.05")
        self.assertNotEqual(self.canvas("#stage-right canvas"), wide)
        self.assertIn("0 to 0.05", self.find("#look-scale-text").text)
        self.js("document.activeElement.blur()")
        self.keys("e")
        self.assertEqual(self.canvas("#stage-right canvas"), plain)
        self.assertNotIn("|x", self.find("#look-scale").text, "the scale of maps that are not there")

    def test_generated_images_are_browsed_too(self):
        group = self.js("return data.groups.find(one => one.is_generation).number")
        self.choose("#look-group", group)
        panels = [panel.get_attribute("data-key") for panel in self.find_all("#panels .panel")]
        self.assertEqual(len(panels), 2)
        self.assertEqual([self.find("#stage-" + side).get_attribute("data-shows") for side in ("left", "right")], panels)
        self.assertNotEqual(self.canvas("#stage-left canvas"), self.canvas("#stage-right canvas"))
        self.assertEqual(self.find_all("#look-error"), [])

    def test_single_keys_are_listed_and_can_be_switched_off(self):
        self.see("#keys summary").click()
        listed = {key.text for key in self.find_all("#keys kbd")}
        self.assertEqual(set(self.js("return keys.flatMap(([names]) => names)")) - listed, set())
        self.find("#keys-on").click()
        self.js("document.activeElement.blur()")
        image = self.look("image")
        self.keys("j")
        self.assertEqual(self.look("image"), image)

    # The run

    def test_gantt_shows_attempts_that_failed_and_is_walked_by_keyboard(self):
        for kind, count in (("failed", 1), ("died", 1)):
            self.assertEqual(len(self.find_all(f".gantt rect.span.{kind}")), count, kind)
        units = self.js("return data.runs[0].units")
        self.assertEqual(len(self.find_all(".gantt rect.span.committed")), units)
        self.assertEqual(len(self.find_all(".gantt .retried")), 2)
        first = self.see(".gantt rect.span")
        self.js("arguments[0].focus()", first)
        told = self.find(".tip").text
        self.assertIn("unit", told)
        self.keys(Keys.ARROW_RIGHT)
        self.assertNotEqual(self.find(".tip").text, told)
        self.assertIn("given up <i>for good</i>", self.js("return document.getElementById('run-parts').textContent"))
        self.assertEqual(len(self.find_all("#costs tbody tr")), 3)

    def test_provenance_tells_how_to_run_it_again(self):
        facts = self.find(".facts").text
        for name in ("plan digest", "model sha256", "content digest", "program version"):
            self.assertIn(name, facts)
        command = self.find("#command-0").text
        self.assertTrue(command.startswith("diffinv run job.ini --dataset "), command)
        folder = pathlib.Path(self.folder.name) / "again"
        folder.mkdir()
        (folder / "job.ini").write_text(self.js("return data.runs[0].job"))
        plan = subprocess.run(command.replace("diffinv run", f"{program} plan").split(" --output ")[0], shell=True, cwd=folder,
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertIn(str(self.js("return data.runs[0].units")), plan)

    # Looks

    def test_nothing_is_wider_than_the_page_and_screenshots_are_taken(self):
        pictures.mkdir(parents=True, exist_ok=True)
        for width in (1280, 420):
            for theme in ("light", "dark"):
                self.open(width, theme)
                self.assertEqual(self.js("return document.documentElement.scrollWidth"), width)
                clipped = self.js("""
                    return [...document.querySelectorAll('button, figcaption, h1, h2, h3, th, .hint, .figures b')].filter(one =>
                      one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)""")
                self.assertEqual(clipped, [], "cut off")
                height = self.js("return document.documentElement.scrollHeight")
                shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
                    "captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}})
                (pictures / f"report-{width}-{theme}.png").write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
